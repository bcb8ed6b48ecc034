"""Header fields in the order of the message, under their canonical names (RFC 3261 §7.3, compact forms §20)."""

from collections.abc import Iterable, Iterator
from typing import Final

_COMPACT: Final = {
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
_ODD: Final = (
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

_COMMON: Final = (
    "Via", "From", "To", "Contact", "Route", "Record-Route", "Max-Forwards", "Content-Length",
    "Content-Type", "Expires", "Event", "Accept", "Allow", "Subscription-State", "Allow-Events",
    "Supported", "Require", "User-Agent", "Server", "Authorization", "Date", "Min-Expires",
    "Proxy-Authorization", "Proxy-Authenticate", "Retry-After", "Unsupported", "Warning", "Subject",
    "Organization", "Path", "Accept-Encoding", "Accept-Language", "Content-Encoding",
    "Content-Disposition", "Content-Language", "Proxy-Require",
)  # fmt: skip
"Names that need no thought; every other one is spelled by rule."

_CANONICAL: Final[dict[str, str]] = {**_COMPACT, **{name.lower(): name for name in (*_ODD, *_COMMON)}}
SPELLINGS: Final[dict[str, str]] = {name: name for name in _CANONICAL.values()} | _CANONICAL
"The usual spellings of the known names -> the canonical one; `canonical` takes every other."

SINGLE: Final = frozenset((
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
    """A list of (canonical name, value). Values are unfolded and stripped, otherwise as received.

    Handlers ask for a dozen names of every request, so the first value of each name is found in a dictionary, which is
    made when first wanted, and anew after every change.
    """

    __slots__ = ("_first", "_items", "parsed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: list[tuple[str, str]] = []
        if items:
            self._items = [(canonical(name), value) for name, value in items]
        self._first: dict[str, str] | None = None
        self.parsed: dict[str, object] = {}
        "What has been read of the first values, by name; whoever reads one may keep it here. Changes throw it away."

    @classmethod
    def of(cls, items: list[tuple[str, str]], first: dict[str, str] | None = None) -> "Headers":
        """Of names that are canonical already. The list is the headers' own from now on. ``first``: the first value of
        each name, where the caller has them."""
        headers = Headers()
        headers._items = items
        headers._first = first
        return headers

    @property
    def items(self) -> list[tuple[str, str]]:
        """The list itself. Ask again before every change: asking forgets what was found in it."""
        self._first, self.parsed = None, {}
        return self._items

    @items.setter
    def items(self, items: list[tuple[str, str]]) -> None:
        self._items, self._first, self.parsed = items, None, {}

    def firsts(self) -> dict[str, str]:
        """The first value of each name. Not to be changed."""
        first = self._first
        if first is None:
            first = self._first = dict(reversed(self._items))
        return first

    def get(self, name: str) -> str | None:
        """The first value under a canonical name."""
        first = self._first
        return (self.firsts() if first is None else first).get(name)

    def get_all(self, name: str) -> list[str]:
        """Every value under a canonical name, one entry a header line."""
        first = self.firsts()
        value = first.get(name)
        if value is None:
            return []
        if len(first) == len(self._items):
            return [value]
        return [value for key, value in self._items if key == name]

    def values(self, name: str) -> list[str]:
        """Every element of a comma-separated header, over all its lines, in order (RFC 3261 §7.3.1)."""
        first = self.firsts()
        line = first.get(name)
        if line is None:
            return []
        if len(first) == len(self._items):
            return split_list(line)
        return [value for line in self.get_all(name) for value in split_list(line)]

    def __contains__(self, name: str) -> bool:
        return name in self.firsts()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._items == other._items

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"

    def add(self, name: str, value: str) -> None:
        self.items.append((canonical(name), value))

    def set(self, name: str, value: str) -> None:
        """Replace every line of that name by one, in the place of the first."""
        name = canonical(name)
        first, items = self.firsts(), self._items
        if name not in first:
            items.append((name, value))
        else:
            index = 0
            while items[index][0] != name:
                index += 1
            if len(first) == len(items):
                items[index] = (name, value)
            else:
                tail = [item for item in items[index + 1 :] if item[0] != name]
                items[index:] = [(name, value), *tail]
        first[name] = value
        self.parsed.pop(name, None)

    def remove(self, name: str) -> None:
        name = canonical(name)
        self.items = [item for item in self._items if item[0] != name]

    def copy(self) -> "Headers":
        return Headers.of(list(self._items))


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
