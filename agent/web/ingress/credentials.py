"""Which tokens a request shows, and the request without them. Pure."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

QUERY_NAMES = frozenset({"token", "access_token"})
"For senders that can set nothing but the address; RFC 6750 §2.3 has the second."
TOKEN_HEADERS = ("x-api-key", "x-auth-token", "verification-token")
"For senders that know no Authorization; RingCentral's own is the last."
KEPT_BACK = frozenset({"authorization", "proxy-authorization", "cookie", *TOKEN_HEADERS})
"Headers that no receiver sees."

Query = Sequence[tuple[str, str]]


def shown_tokens(headers: Mapping[str, str], query: Query) -> Iterator[str]:
    """Bearer, password of Basic, other headers, query parameter: in this order. Header names are in lower case."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip()
    elif scheme.lower() == "basic":
        basic = _basic(value.strip())
        if basic is not None:
            yield basic[1]
    yield from (headers[name] for name in TOKEN_HEADERS if name in headers)
    yield from (value for name, value in query if name in QUERY_NAMES)


def basic_user(headers: Mapping[str, str]) -> str | None:
    """Some sources say by it who they are (OwnTracks)."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    basic = _basic(value.strip()) if scheme.lower() == "basic" else None
    return basic[0] if basic is not None else None


def _basic(value: str) -> tuple[str, str] | None:
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def without_tokens(headers: Mapping[str, str], query: Query) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """What a receiver may see: nobody can log what he was not given."""
    seen = {name: value for name, value in headers.items() if name not in KEPT_BACK}
    return seen, [(name, value) for name, value in query if name not in QUERY_NAMES]
