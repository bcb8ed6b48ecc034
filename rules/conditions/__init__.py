"""Conditions: small frozen objects, made once at load, asked often."""
