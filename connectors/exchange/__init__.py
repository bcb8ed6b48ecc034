"""Calendars on an Exchange server of one's own, or on one that speaks Exchange Web Services."""
