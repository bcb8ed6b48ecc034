"""Sockets: the asyncio shell around the SIP core.

`driver` turns one `sip.Endpoint`; `udp`, `tcp` and `memory` carry its bytes; `user_agent` is what a client needs.
"""
