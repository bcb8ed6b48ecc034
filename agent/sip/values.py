"""Single header values: tolerant readers that keep parameters as written.

URIs are read by sipmessage. Parameters are ours: sipmessage percent-encodes what it prints, which would change a
``+sip.instance="<urn:…>"`` on its way back to the phone that sent it.
"""

from functools import lru_cache
from typing import NamedTuple

import sipmessage

from agent.sip.headers import split_outside

Params = dict[str, str | None]


class Via(NamedTuple):
    """RFC 3261 §20.42. ``host`` without brackets; parameter names in lower case."""

    transport: str
    host: str
    port: int | None
    params: Params

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    @property
    def sent_by(self) -> str:
        return f"{self.host.lower()}:{self.port or 0}"


class NameAddr(NamedTuple):
    """RFC 3261 §20.10: a Contact, From, To, Route or Record-Route value."""

    display: str
    uri: str
    params: Params

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")


class Event(NamedTuple):
    """RFC 6665 §8.2.1. The package is compared byte by byte, ``id`` too."""

    package: str
    id: str | None
    params: Params


class CSeq(NamedTuple):
    number: int
    method: str


def parse_params(parts: list[str]) -> Params:
    """``["a=1", 'b="x"', "c"]`` -> names in lower case, quotes taken off, the first of equal names kept."""
    params: Params = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not name:
            continue
        value = value.strip()
        if value.startswith('"') and value.endswith('"') and len(value) >= 2:
            value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        params.setdefault(name, value if equals else None)
    return params


def parse_host_port(text: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[v6]:port`` -> host without brackets, port or None. Raises ValueError."""
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("bad IPv6 reference")
        port = rest[1:]
    else:
        host, _, port = text.partition(":")
        host, port = host.strip(), port.strip()
    if not host or " " in host:
        raise ValueError("no host")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("bad port")
    return host, int(port) if port else None


def parse_via(value: str) -> Via:
    """Raises ValueError."""
    head, *rest = split_outside(value, ";")
    protocol, _, sent_by = head.strip().rpartition("/")
    # `SIP / 2.0 / UDP host`: white space may stand around the slashes, so the transport is what follows the last one.
    transport, _, host = sent_by.strip().partition(" ")
    name, _, version = protocol.replace(" ", "").replace("\t", "").partition("/")
    if name.upper() != "SIP" or version != "2.0" or not transport:
        raise ValueError("bad Via")
    host, port = parse_host_port(host)
    return Via(transport.upper(), host, port, parse_params(rest))


def parse_name_addr(value: str) -> NameAddr:
    """Both forms: ``"Alice" <sip:a@b;lr>;tag=1`` and ``sip:a@b;tag=1``. Raises ValueError."""
    value = value.strip()
    start = _angle(value)
    if start >= 0:
        end = value.find(">", start)
        if end < 0:
            raise ValueError("unclosed <")
        display = value[:start].strip()
        if display.startswith('"') and display.endswith('"') and len(display) >= 2:
            display = display[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        uri = value[start + 1 : end].strip()
        tail = value[end + 1 :].strip()
        if tail and not tail.startswith(";"):
            raise ValueError("text after >")
        params = parse_params(split_outside(tail, ";")[1:])
    else:
        display = ""
        uri, *rest = value.split(";")
        uri = uri.strip()
        params = parse_params(rest)
    if not uri or ":" not in uri or " " in uri:
        raise ValueError("no URI")
    return NameAddr(display, uri, params)


def _angle(value: str) -> int:
    """Index of the ``<`` that opens the URI: the first one outside quotes."""
    if '"' not in value:
        return value.find("<")
    quoted = escaped = False
    for index, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "<" and not quoted:
            return index
    if quoted:
        raise ValueError("unclosed quote")
    return -1


def parse_cseq(value: str) -> CSeq:
    """Raises ValueError; the number must be below 2**32 (RFC 3261 §8.1.1.5)."""
    number, _, method = value.strip().partition(" ")
    method = method.strip()
    if not (number.isascii() and number.isdigit()) or int(number) >= 2**32 or not method:
        raise ValueError("bad CSeq")
    return CSeq(int(number), method)


def parse_event(value: str) -> Event:
    package, *rest = split_outside(value, ";")
    params = parse_params(rest)
    package = package.strip()
    if not package or "," in package:
        raise ValueError("bad Event")
    return Event(package, params.get("id"), params)


def parse_seconds(value: str) -> int:
    """A delta-seconds; parameters and a comment may follow (RFC 3261 §20.33). Raises ValueError."""
    number = value.partition(";")[0].partition("(")[0].strip()
    if not (number.isascii() and number.isdigit()):
        raise ValueError("not a number of seconds")
    return min(int(number), 2**32 - 1)


@lru_cache(maxsize=4096)
def parse_uri(value: str) -> sipmessage.URI:
    """A SIP, SIPS or tel URI. Raises ValueError."""
    # sipmessage stops at headers (`?subject=x`), which no request of ours routes by.
    base = value.partition("?")[0]
    scheme, colon, rest = base.partition(":")
    return sipmessage.URI.parse(scheme.lower() + colon + rest)


@lru_cache(maxsize=65536)
def address_of_record(value: str) -> str:
    """The key of a resource (RFC 3261 §19.1.4): scheme, user with escapes resolved, host in lower case, default port
    folded away; parameters and headers do not count. Raises ValueError.

    >>> address_of_record("sip:%61lice@Example.ORG:5060;transport=tcp")
    'sip:alice@example.org'
    """
    uri = parse_uri(value)
    if uri.scheme == "tel":
        return f"tel:{uri.global_phone_number or uri.user}"
    host = uri.host.lower()
    default = 5061 if uri.scheme == "sips" else 5060
    port = f":{uri.port}" if uri.port and uri.port != default else ""
    # One resource whatever the security of the hop: `sips:` reaches the same presentity.
    user = str(sipmessage.URI(scheme="sip", user=uri.user, host="x"))[4:-2] if uri.user else None
    return f"sip:{user}@{host}{port}" if user is not None else f"sip:{host}{port}"
