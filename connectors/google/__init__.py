"""Google calendars by the Calendar API: for a whole organisation or person by person. See README.md."""
