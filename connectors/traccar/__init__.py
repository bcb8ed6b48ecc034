"""Traccar: its client, OsmAnd and others that speak like it, and what a Traccar server forwards. See README.md."""
