"""Payload → facts. Pure: no network, no clock, so every case is a plain test."""

import json
from datetime import UTC, datetime
from typing import Any

from connectors.errors import BadData
from connectors.facts import Fact, PlaceValue


def place_fact(
    payload: bytes, *, person: str, source: str, tags: tuple[str, ...], observed_at: datetime
) -> Fact:
    """One place fact from ``{"zone": "office", "since": "2026-03-02T08:00:00+01:00", "tags": []}``.

    ``zone`` null: in none of the named places. Raises `BadData`, in words that tell what was expected.
    """
    try:
        document: Any = json.loads(payload)
    except ValueError:
        raise BadData("the answer is not JSON") from None
    if not isinstance(document, dict) or "zone" not in document:
        raise BadData("the answer is not a JSON object with “zone”")
    zone, own_tags = document["zone"], document.get("tags", [])
    if not (zone is None or (isinstance(zone, str) and zone)):
        raise BadData("“zone” is neither a name nor null")
    if not isinstance(own_tags, list) or not all(isinstance(tag, str) for tag in own_tags):
        raise BadData("“tags” is not a list of words")
    value = PlaceValue(zone=zone, since=_moment(document.get("since"), observed_at), tags=(*tags, *own_tags))
    return Fact(person=person, source=source, value=value, observed_at=observed_at)


def _moment(text: Any, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadData("“since” is not an ISO 8601 date and time") from None
    if moment.tzinfo is None:
        raise BadData("“since” has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadData("“since” is outside the calendar") from None
