"""The SIP core (RFC 3261), without I/O: bytes and ``now`` in; events, bytes and a deadline out.

From the wire upward: `framing` cuts a stream into messages, `parsing` and `messages` give them a form, `values`
reads single headers, `client_transactions` and `server_transactions` repeat and absorb, `dialogs` remember a
conversation, `routing` says where a message goes next, and `endpoint` is the facade that the asyncio shell
(agent/net/driver.py) drives.
"""
