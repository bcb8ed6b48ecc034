"""From a request to pieces of news, by the mapping in the settings. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from connectors.errors import BadData
from connectors.facts import (
    ActivityState,
    ActivityValue,
    CallState,
    CallValue,
    FactValue,
    ReachState,
    ReachValue,
)
from connectors.ingress import Received
from connectors.sessions import Sighting
from connectors.webhook.documents import documents
from connectors.webhook.extract import MISSING, Extract, moment, search, truth
from connectors.webhook.settings import WebhookSettings

AHEAD = timedelta(seconds=60)
"A source's clock may be so much before ours; what is later happened now."
MOST_PARTS = 2000
"In one request."


@dataclass(frozen=True, slots=True)
class News:
    """One part of a document, understood."""

    at: datetime
    subject: str | None
    "What the source calls the person. None: whom the token speaks for, or (``cleared``) everybody."
    id: tuple[str, str] | None = None
    "Of what is said twice; None: it has none."
    sighting: Sighting | None = None
    value: FactValue | None = None
    cleared: str | None = None
    "The group that was restarted."
    device: str = ""
    "Which of the person's devices it is about; each is a stream of its own."


@dataclass(frozen=True, slots=True)
class Understood:
    """What a request said."""

    news: tuple[News, ...]
    skipped: int = 0
    "Parts that `when` let fall."
    problems: tuple[str, ...] = field(default=())
    "Parts that make no sense, each in words; the others count."


def understand(request: Received, settings: WebhookSettings) -> Understood:
    """Raises BadData when nothing of it makes sense."""
    events, found = documents(request)
    news: list[News] = []
    problems: list[str] = []
    skipped = 0
    for envelope in found:
        parts = search(settings.each, envelope)
        parts = parts if isinstance(parts, list) else [] if parts is None else [parts]
        if len(parts) > MOST_PARTS:
            raise BadData(f"more than {MOST_PARTS} parts in one request")
        for part in parts:
            if settings.when is not None and not truth(search(settings.when, part)):
                skipped += 1
                continue
            try:
                news.append(_news(part, envelope if events else {}, request, settings))
            except BadData as error:
                problems.append(error.what)
    if problems and not news:
        raise BadData("; ".join(dict.fromkeys(problems)))
    return Understood(tuple(news), skipped, tuple(dict.fromkeys(problems)))


def _news(part: Any, event: dict[str, Any], request: Received, settings: WebhookSettings) -> News:
    at = _time(part, event, request.received_at, settings)
    group = _text(settings.group, part, "group")
    if settings.restarted is not None and truth(search(settings.restarted, part)):
        return News(at, None, cleared=group or "")
    subject = _subject(part, event, request, settings)
    identity = _identity(part, event, settings)
    if settings.kind == "place":
        return News(at, subject, identity, sighting=_sighting(part, at, group or "", settings))
    device = _text(settings.values.get("device"), part, "device") or ""
    return News(at, subject, identity, value=_value(part, at, device, settings), device=device)


def _time(part: Any, event: dict[str, Any], now: datetime, settings: WebhookSettings) -> datetime:
    at = settings.time.at(part) if settings.time is not None else None
    if at is None and isinstance(event.get("time"), str):
        at = moment(event["time"])
    return now if at is None or at > now + AHEAD else at


def _subject(part: Any, event: dict[str, Any], request: Received, settings: WebhookSettings) -> str | None:
    if settings.subject is not None:
        found = _text(settings.subject, part, "subject")
        if found is None and request.person is None:
            raise BadData(f"`subject`: {settings.subject.path} finds nobody")
        return found
    subject = event.get("subject")
    if isinstance(subject, str) and request.person is None:
        return subject
    if request.person is None:
        raise BadData("it is not said about whom: `subject` in the settings, or a token for one person")
    return None


def _identity(part: Any, event: dict[str, Any], settings: WebhookSettings) -> tuple[str, str] | None:
    if settings.id is not None:
        found = search(settings.id, part)
        return None if found is None else ("", str(found))
    return (event["source"], event["id"]) if event else None


def _sighting(part: Any, at: datetime, group: str, settings: WebhookSettings) -> Sighting:
    present = True
    if "present" in settings.values:
        found = settings.values["present"].of(part)
        if found is MISSING:
            raise BadData("`present`: neither that somebody came nor that they went")
        present = truth(found)
    name = _text(settings.values["zone"], part, "zone")
    zone = None if name is None else _zone(name, settings)
    key = _text(settings.session, part, "session") if settings.session is not None else name
    if name is None and present:
        raise BadData("`zone`: no place was found")
    named = f"{group} {key}" if key else ""
    return Sighting(named, zone, present, at, group, settings.session is None, settings.ttl)


def _zone(name: str, settings: WebhookSettings) -> str | None:
    if not settings.zones:
        return name
    lowered = name.casefold()
    return next(
        (zone for pattern, zone in settings.zones.items() if fnmatchcase(lowered, pattern.casefold())), None
    )


def _value(part: Any, at: datetime, device: str, settings: WebhookSettings) -> FactValue:
    values = settings.values
    word = _text(values["state"], part, "state")
    if word is None:
        raise BadData("`state`: no state was found")
    try:
        if settings.kind == "call":
            direction = _text(values.get("direction"), part, "direction")
            remote = _text(values.get("remote"), part, "remote")
            if direction not in (None, "in", "out"):
                raise BadData(f"`direction`: “{direction}” is neither in nor out")
            return CallValue(CallState(word), at, direction, remote, device)
        if settings.kind == "activity":
            last = values["last_input"].of(part) if "last_input" in values else MISSING
            return ActivityValue(device, ActivityState(word), None if last is MISSING else moment(last))
        return ReachValue(device, ReachState(word))
    except ValueError:
        raise BadData(f"`state`: “{word}” is not known; `map` says what it means") from None


def _text(extract: Extract | None, part: Any, name: str) -> str | None:
    found = MISSING if extract is None else extract.of(part)
    if found is MISSING:
        return None
    if isinstance(found, dict | list):
        raise BadData(f"`{name}`: an object or array stands where a text was expected")
    return str(found)[:1000].strip() or None
