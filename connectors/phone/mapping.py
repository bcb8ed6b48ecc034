"""Requests of phones → what they report. Pure.

Every phone sends what its configuration tells it to, so the address decides: ``…/incoming?remote=$remote``. Names of
variables differ, and not all phones fill in all of them: one that still begins with ``$`` was not filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.phone.events import Event, Report
from connectors.phone.poly import read_poly

_ALIASES = {
    "answered": Event.ESTABLISHED,
    "connected": Event.ESTABLISHED,
    "disconnected": Event.TERMINATED,
    "hangup": Event.TERMINATED,
    "ringing": Event.INCOMING,
    "dialing": Event.OUTGOING,
    "calling": Event.OUTGOING,
    "off_hook": Event.OFFHOOK,
    "on_hook": Event.ONHOOK,
    "resume": Event.UNHOLD,
}
_REMOTE = ("remote", "caller", "number")
_CALL_ID = ("cid", "call_id", "callid")
CHOOSE = "choose"
"What a key sends: `…/choose?text=lunch 45m`."
_XML = ("text/xml", "application/xml", "application/x-com-polycom-spipx")


@dataclass(frozen=True, slots=True)
class Key:
    """Somebody pressed a key that says something."""

    text: str


def read_request(request: Received) -> list[Report] | Key:
    """What a request reports. Raises `BadData` with what was expected."""
    words, pairs = _path(request.path)
    given = {**pairs, **_query(request)}
    if words[:1] == [CHOOSE]:
        text = " ".join([*words[1:], given.get("text", "")]).strip()
        if not text:
            raise BadData("the key says nothing: expected …/choose?text=lunch 45m")
        return Key(text)
    if not words and request.body and _is_xml(request):
        return read_poly(request.body)
    return [Report(_event(words), _first(given, _CALL_ID), _number(given), _count(given.get("n")))]


def _event(words: list[str]) -> Event:
    word = (words[0] if words else "").lower().replace("-", "_")
    if word in _ALIASES:
        return _ALIASES[word]
    try:
        return Event(word)
    except ValueError:
        known = ", ".join(Event)
        raise BadData(f"“{word[:30]}” is no event of a phone; there are: {known}") from None


def _path(path: str) -> tuple[list[str], dict[str, str]]:
    """COMPAT(Grandstream GXP/GRP): variables may stand in the path, ``incoming/mac=…&remote=…``."""
    words: list[str] = []
    pairs: dict[str, str] = {}
    for segment in path.split("/"):
        if "=" in segment:
            pairs.update(_filled_in(parse_qsl(segment, keep_blank_values=True)))
        elif segment:
            words.append(unquote(segment))
    return words, pairs


def _query(request: Received) -> dict[str, str]:
    return _filled_in(list(request.query))


def _filled_in(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Without variables that the phone left as they are (``$mac``, ``$$LOCALIP$$``) or has nothing for."""
    return {
        name.lower(): value.strip() for name, value in pairs if value.strip() and not value.startswith("$")
    }


def _first(given: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((given[name][:200] for name in names if name in given), None)


def _number(given: Mapping[str, str]) -> str | None:
    """The far end: ``"Bob" <sip:1002@pbx.example>``, ``sip:1002@pbx.example`` or ``1002``."""
    written = _first(given, _REMOTE)
    if written is None:
        return None
    inside = written.partition("<")[2].partition(">")[0] if "<" in written else written
    return inside.removeprefix("sip:").removeprefix("sips:").partition("@")[0].partition(";")[0] or None


def _count(text: str | None) -> int | None:
    return int(text[:3]) if text is not None and text[:3].isdecimal() else None


def _is_xml(request: Received) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _XML or request.body.lstrip()[:1] == b"<"


_DISPLAYS = {"yealink": "YealinkIPPhoneTextScreen", "snom": "SnomIPPhoneText"}


def shown_on(vendor: str | None, title: str, text: str) -> tuple[str, bytes]:
    """(media type, body) of the answer to a key: on the display, where the phone's kind is known."""
    element = _DISPLAYS.get(vendor or "")
    if element is None:
        return "text/plain; charset=utf-8", text.encode()
    body = f"<{element}><Title>{escape(title)}</Title><Text>{escape(text)}</Text></{element}>"
    return "text/xml", body.encode()
