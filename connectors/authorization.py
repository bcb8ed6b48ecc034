"""How a request proves whose it is: what `connectors.http.Http.request` takes as ``authorization``."""

from base64 import b64encode

from aiohttp import DigestAuthMiddleware

Authorization = str | DigestAuthMiddleware
"The value of the header; or what answers the server's challenges (RFC 7616), one object per account."


def basic(username: str, password: str) -> str:
    """RFC 7617, in UTF-8 (§2.1)."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def bearer(token: str) -> str:
    """RFC 6750 §2.1"""
    return f"Bearer {token}"


def digest(username: str, password: str) -> DigestAuthMiddleware:
    """RFC 7616; remembers the server's challenge, so that later requests are answered at once."""
    return DigestAuthMiddleware(username, password)
