"""Calendars published as an iCalendar file at a web address (`webcal:`). See README.md."""
