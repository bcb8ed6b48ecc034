"""Yeastar P-Series: events by signed webhook. See README.md."""
