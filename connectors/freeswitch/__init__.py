"""Listens to the event socket of a FreeSWITCH: one connection for all phones. See README.md."""
