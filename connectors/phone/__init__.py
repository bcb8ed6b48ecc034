"""Desk phones that call an address when something happens (action URLs), and keys of theirs that do. See README.md."""
