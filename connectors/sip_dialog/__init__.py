"""Subscribes to what a PBX or a phone tells of somebody's calls (RFC 4235) and registration. See README.md."""
