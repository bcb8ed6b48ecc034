"""Anything that can send JSON over HTTP: CloudEvents, or any document by JMESPath. See README.md."""
