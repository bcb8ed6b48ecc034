"""A connector to copy: asks a JSON address in which named place somebody is. See README.md."""
