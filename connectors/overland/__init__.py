"""Overland on iOS. See README.md."""
