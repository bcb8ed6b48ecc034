"""Listens to the Manager Interface (AMI) of an Asterisk: one connection for all phones. See README.md."""
