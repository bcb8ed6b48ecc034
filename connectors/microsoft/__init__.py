"""Calendars of Microsoft 365 by Microsoft Graph: for a whole organisation or person by person. See README.md."""
