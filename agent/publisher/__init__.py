"""From a decision to a publication at a presence server (RFC 3903).

`compose` writes the document, `session` decides what to send for one person, `publisher` does it for everybody.
"""
