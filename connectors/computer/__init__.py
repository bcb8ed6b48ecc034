"""Computers and tablets whose reporter (`lamplighter device`) says when they were last used. See README.md."""
