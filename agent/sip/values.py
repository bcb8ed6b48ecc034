"""Single header values: tolerant readers that keep parameters as written.

URIs are read by sipmessage. Parameters are ours: sipmessage percent-encodes what it prints, which would change a
``+sip.instance="<urn:…>"`` on its way back to the phone that sent it.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

import sipmessage

from agent.sip.headers import split_list, split_outside

Params = dict[str, str | None]


# Made for every request, so their constructors are written out: what `dataclass` and NamedTuple write is not compiled.


@dataclass(slots=True, init=False)
class Via:
    """RFC 3261 §20.42. ``host`` without brackets; parameter names in lower case."""

    transport: str
    host: str
    port: int | None
    params: Params

    def __init__(self, transport: str, host: str, port: int | None, params: Params) -> None:
        self.transport = transport
        self.host = host
        self.port = port
        self.params = params

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    @property
    def sent_by(self) -> str:
        return f"{self.host.lower()}:{self.port or 0}"


@dataclass(slots=True, init=False)
class NameAddr:
    """RFC 3261 §20.10: a Contact, From, To, Route or Record-Route value."""

    display: str
    uri: str
    params: Params

    def __init__(self, display: str, uri: str, params: Params) -> None:
        self.display = display
        self.uri = uri
        self.params = params

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")


@dataclass(slots=True, init=False)
class Event:
    """RFC 6665 §8.2.1. The package is compared byte by byte, ``id`` too."""

    package: str
    id: str | None
    params: Params

    def __init__(self, package: str, id: str | None, params: Params) -> None:
        self.package = package
        self.id = id
        self.params = params


@dataclass(slots=True, init=False)
class CSeq:
    number: int
    method: str

    def __init__(self, number: int, method: str) -> None:
        self.number = number
        self.method = method


# What nearly everybody writes, matched in one go; everything else takes the long way, with the same result.
_VIA_START: Final = re.compile(
    r"SIP/2\.0/([A-Z]+) ([A-Za-z0-9.-]+)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?(;rport)?"
).fullmatch
_NOT_IN_TOKEN: Final = frozenset(' \t"<>,')
_LABEL: Final = "[a-z0-9]+(?:-+[a-z0-9]+)*"
_PLAIN_ADDRESS: Final = re.compile(
    rf"sip:[A-Za-z0-9_.-]+@(?:(?:{_LABEL}\.)*[a-z]+(?:-+[a-z0-9]+)*|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})"
).fullmatch

_HOST_NAME: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.?(?=[:;?]|$)"
).match
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def unquote(text: str) -> str:
    """Take the quotes off a quoted-string, and the backslashes of its quoted-pairs; other text stays as it is."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return text


def parse_params(parts: list[str]) -> Params:
    """``["a=1", 'b="x"', "c"]`` -> names in lower case, quotes taken off, the first of equal names kept."""
    params: Params = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not name:
            continue
        params.setdefault(name, unquote(value.strip()) if equals else None)
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
    if not port:
        return host, None
    number = parse_digits(port)
    if not 0 < number < 65536:
        raise ValueError("bad port")
    return host, number


def parse_via(value: str) -> Via:
    """Raises ValueError."""
    start, _, branch = value.partition(";branch=")
    branch, semicolon, after = branch.partition(";")
    if branch and (not semicolon or after == "rport"):
        before = _via_start(start)
        if before is not None and _is_plain_token(branch):
            transport, host, port, rport = before
            given: Params = {"branch": branch, "rport": None} if rport or semicolon else {"branch": branch}
            return Via(transport, host, port, given)
    head, *rest = split_outside(value, ";")
    # `SIP / 2.0 / UDP host`: white space may stand around the slashes, so the transport is what follows the last one.
    protocol, _, sent_by = head.rpartition("/")
    transport, *host_port = sent_by.split(None, 1)
    name, _, version = protocol.partition("/")
    # Any version: a request of SIP/7.0 has to be told so.
    if name.strip().upper() != "SIP" or not version.strip() or not host_port:
        raise ValueError("bad Via")
    host, port = parse_host_port(host_port[0])
    return Via(transport.upper(), host, port, parse_params(rest))


@lru_cache(maxsize=4096)
def _via_start(text: str) -> tuple[str, str, int | None, bool] | None:
    """(transport, host, port, whether there is an `rport`) of a Via up to its branch. Whoever writes to us writes the
    same each time."""
    plain = _VIA_START(text) if len(text) <= 256 else None
    if plain is None:
        return None
    return plain[1], plain[2], int(plain[3]) if plain[3] else None, plain[4] is not None


def _is_plain_token(text: str) -> bool:
    """Whether a parameter's value means itself: nothing in it that quotes, separates or is left out."""
    return text.isalnum() or (text.isprintable() and _NOT_IN_TOKEN.isdisjoint(text))


def parse_top_via(value: str) -> Via:
    """The first of the Via values in a header line. Raises ValueError."""
    if "," not in value:
        return parse_via(value)
    return parse_via(next(iter(split_list(value)), ""))


_NEVER_IN_URI: Final = frozenset(' \t<>"')
"What would end the URI for whoever reads it in a message of ours."


def parse_name_addr(value: str) -> NameAddr:
    """Both forms: ``"Alice" <sip:a@b;lr>;tag=1`` and ``sip:a@b;tag=1``. Raises ValueError."""
    # As nearly everybody writes it: no white space and no quotes, so a character means the same wherever it stands.
    if value[:1] == "<" and value.isascii() and value.isprintable() and " " not in value and '"' not in value:
        uri, _, tail = value[1:].partition(">")
        if ":" in uri and "<" not in uri and "<" not in tail and ">" not in tail:
            if not tail and value[-1] == ">":
                return NameAddr("", uri, {})
            if tail[:5] == ";tag=" and ";" not in tail[5:]:
                return NameAddr("", uri, {"tag": tail[5:]})
    value = value.strip()
    start = _angle(value)
    if start >= 0:
        end = value.find(">", start)
        if end < 0:
            raise ValueError("unclosed <")
        display = unquote(value[:start].strip())
        uri = value[start + 1 : end].strip()
        tail = value[end + 1 :].strip()
        if tail and not tail.startswith(";"):
            raise ValueError("text after >")
        params = parse_params(split_outside(tail, ";")[1:])
    else:
        # RFC 3261 §20: without brackets, everything from the first semicolon on belongs to the header.
        display = ""
        uri, *rest = split_outside(value, ";")
        uri = uri.strip()
        if "?" in uri or "," in uri:
            raise ValueError("a URI with ? or , needs <>")
        params = parse_params(rest)
    if ":" not in uri or not _NEVER_IN_URI.isdisjoint(uri):
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
    parts = value.split(None, 1)
    if len(parts) != 2:
        raise ValueError("bad CSeq")
    number = parse_digits(parts[0])
    if number >= 2**32:
        raise ValueError("CSeq too large")
    return CSeq(number, parts[1])


def parse_event(value: str) -> Event:
    """Raises ValueError."""
    if value.isalnum():  # no parameters, as nearly always
        return Event(value, None, {})
    package, *rest = split_outside(value, ";")
    params = parse_params(rest)
    package = package.strip()
    if not package or "," in package:
        raise ValueError("bad Event")
    return Event(package, params.get("id"), params)


def parse_seconds(value: str) -> int:
    """A delta-seconds; parameters and a comment may follow (RFC 3261 §20.33). Raises ValueError."""
    if len(value) < 10 and value.isascii() and value.isdigit():
        return int(value)
    return min(parse_digits(value.partition(";")[0].partition("(")[0].strip()), 2**32 - 1)


def parse_digits(text: str) -> int:
    """ASCII digits only, without sign. Raises ValueError. Absurdly long ones count as 10**20, before `int` is asked."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("not a number")
    return int(text) if len(text) <= 20 else int(text.lstrip("0")[:21] or "0")


def split_uri(uri: str) -> tuple[str, str, str]:
    """(scheme in lower case, user part with its escapes, host and all that follows, without ``?headers``).

    The last ``@`` ends the user part, which may hold ``;`` and ``?`` unescaped (RFC 3261 §25.1: user-unreserved).
    Raises ValueError.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon:
        raise ValueError("no scheme")
    user, _, host = rest.rpartition("@")
    return scheme.lower(), user, host.partition("?")[0]


def parse_uri(value: str) -> sipmessage.URI:
    """A SIP, SIPS or tel URI. Raises ValueError."""
    scheme, user, host = split_uri(value)
    if host.startswith("[") and "]" in host:
        # sipmessage has RFC 3261's grammar, which does not know `[2001:db8::192.0.2.1]` (RFC 5118 §4.10).
        reference, bracket, rest = host.partition("]")
        host = normal_host(reference + bracket) + rest
    before = f"{scheme}:{user}@" if user else f"{scheme}:"
    try:
        return sipmessage.URI.parse(before + host)
    except ValueError:
        # COMPAT(sipmessage 0.7): no name whose last label ends in a digit (`pbx1`), which RFC 3261 §25.1 allows; nor an
        # underscore, which it does not, but containers are called so.
        if scheme == "tel" or (name := _HOST_NAME(host)) is None:
            raise
        return replace(sipmessage.URI.parse(f"{before}x{host[name.end() :]}"), host=name[0])


def address_of_record(value: str) -> str:
    """The key of a resource (RFC 3261 §19.1.4): scheme, user with escapes resolved, host in lower case, default port
    folded away; parameters and headers do not count. Raises ValueError.

    >>> address_of_record("sip:%61lice@Example.ORG:5060;transport=tcp")
    'sip:alice@example.org'
    """
    # Only ordinary lengths are kept, so that nobody can fill the memory through the cache.
    return _address_of_record(value) if len(value) <= 256 else _address_of_record.__wrapped__(value)


def is_plain_uri(value: str) -> bool:
    """Whether a URI is an address of record as it stands: nothing to resolve, fold away or put in lower case."""
    return _is_plain_address(value) if len(value) <= 256 else _PLAIN_ADDRESS(value) is not None


@lru_cache(maxsize=16384)  # each presentity is asked about again and again
def _is_plain_address(value: str) -> bool:
    return _PLAIN_ADDRESS(value) is not None


@lru_cache(maxsize=65536)
def _address_of_record(value: str) -> str:
    if is_plain_uri(value):
        return value
    uri = parse_uri(value)
    if uri.scheme == "tel":
        return f"tel:{uri.global_phone_number or uri.user}"
    host = normal_host(uri.host)
    default = 5061 if uri.scheme == "sips" else 5060
    port = f":{uri.port}" if uri.port and uri.port != default else ""
    # One resource whatever the security of the hop: `sips:` reaches the same presentity.
    user = str(sipmessage.URI(scheme="sip", user=uri.user, host="x"))[4:-2] if uri.user else None
    return f"sip:{user}@{host}{port}" if user is not None else f"sip:{host}{port}"


def normal_host(host: str) -> str:
    """One spelling per host: names in lower case, IPv6 references in brackets and compressed (RFC 3261 §19.1.4)."""
    host = host.lower()
    if ":" not in host:
        return host
    try:
        return f"[{IPv6Address(host.strip('[]')).compressed}]"
    except ValueError:
        return host  # RFC 5118 §4.10: what the old grammar's extra colon makes is still a name
