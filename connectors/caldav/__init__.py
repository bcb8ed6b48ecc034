"""Calendars on CalDAV servers (RFC 4791): Radicale, Nextcloud, SOGo, iCloud, Zimbra and others. See README.md."""
