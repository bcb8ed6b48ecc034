"""Header fields in the order of the message, under their canonical names (RFC 3261 §7.3, compact forms §20)."""

from collections.abc import Iterable, Iterator

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

# Names that str.title() would spell otherwise than the RFCs do.
_ODD = (
    "Call-ID",
    "CSeq",
    "WWW-Authenticate",
    "SIP-ETag",
    "SIP-If-Match",
    "MIME-Version",
    "RAck",
    "RSeq",
    "Content-ID",
)

_COMMON = (
    "Via", "From", "To", "Contact", "Route", "Record-Route", "Max-Forwards", "Content-Length",
    "Content-Type", "Expires", "Event", "Accept", "Allow", "Subscription-State", "Allow-Events",
    "Supported", "Require", "User-Agent", "Server", "Authorization", "Date", "Min-Expires",
    "Proxy-Authorization", "Proxy-Authenticate", "Retry-After", "Unsupported", "Warning", "Subject",
    "Organization", "Path", "Accept-Encoding", "Accept-Language", "Content-Encoding",
    "Content-Disposition", "Content-Language", "Proxy-Require",
)  # fmt: skip
"Names that need no thought; every other one is spelled by rule."

_CANONICAL: dict[str, str] = {**_COMPACT, **{name.lower(): name for name in (*_ODD, *_COMMON)}}
SPELLINGS: dict[str, str] = {name: name for name in _CANONICAL.values()} | _CANONICAL
"The usual spellings of the known names -> the canonical one; `canonical` takes every other."

SINGLE = frozenset((
    "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Expires", "Event",
    "SIP-If-Match", "Subscription-State",
))  # fmt: skip
"Headers that may stand only once."


def canonical(name: str) -> str:
    """The long name in the RFCs' spelling: ``v`` and ``VIA`` -> ``Via``, ``x-foo`` -> ``X-Foo``."""
    known = SPELLINGS.get(name)
    if known is not None:
        return known
    lower = name.lower()
    return _CANONICAL.get(lower) or lower.title()


class Headers:
    """A list of (canonical name, value). Values are unfolded and stripped, otherwise as received."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self.items: list[tuple[str, str]] = [(canonical(name), value) for name, value in items]

    def get(self, name: str) -> str | None:
        """The first value under a canonical name."""
        for key, value in self.items:
            if key == name:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """Every value under a canonical name, one entry a header line."""
        return [value for key, value in self.items if key == name]

    def values(self, name: str) -> list[str]:
        """Every element of a comma-separated header, over all its lines, in order (RFC 3261 §7.3.1)."""
        found: list[str] = []
        for key, value in self.items:
            if key == name:
                found.extend(split_list(value))
        return found

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items == other.items

    def __repr__(self) -> str:
        return f"Headers({self.items!r})"

    def add(self, name: str, value: str) -> None:
        self.items.append((canonical(name), value))

    def set(self, name: str, value: str) -> None:
        """Replace every line of that name by one, in the place of the first."""
        name = canonical(name)
        for index, (key, _) in enumerate(self.items):
            if key == name:
                tail = [item for item in self.items[index + 1 :] if item[0] != name]
                self.items[index:] = [(name, value), *tail]
                return
        self.items.append((name, value))

    def remove(self, name: str) -> None:
        name = canonical(name)
        self.items = [item for item in self.items if item[0] != name]

    def copy(self) -> "Headers":
        duplicate = Headers()
        duplicate.items = list(self.items)
        return duplicate


def split_list(value: str) -> list[str]:
    """Split at the commas that separate elements: outside quotes and angle brackets."""
    if "," not in value:
        stripped = value.strip()
        return [stripped] if stripped else []
    return [part for part in (p.strip() for p in split_outside(value, ",")) if part]


def split_outside(value: str, separator: str) -> list[str]:
    """Split at a one-character separator outside double quotes and angle brackets."""
    if '"' not in value and "<" not in value:
        return value.split(separator)
    parts: list[str] = []
    start = 0
    quoted = escaped = False
    depth = 0
    for index, char in enumerate(value):
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "<":
            depth += 1
        elif char == ">":
            depth = max(0, depth - 1)
        elif char == separator and not depth:
            parts.append(value[start:index])
            start = index + 1
    parts.append(value[start:])
    return parts
