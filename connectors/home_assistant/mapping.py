"""The companion app's location updates, and states and zone events that automations send, as reports. Pure."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.location.report import METRES_PER_SECOND, Report, Told, fix
from connectors.location.secretbox import opened
from connectors.location.times import moment

AWAY = "not_home"
UNKNOWN = frozenset({"unknown", "unavailable", ""})


def told_by(request: Received, secret: Callable[[Iterable[str]], str | None]) -> list[Told]:
    """Raises BadData."""
    try:
        document: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadData("not JSON") from None
    if not isinstance(document, dict):
        raise BadData("not an object")
    if document.get("encrypted") is True or document.get("type") == "encrypted":
        document = {**document, "data": opened(document.get("encrypted_data"), secret(()))}
        document["type"] = document.get("type") if document.get("type") != "encrypted" else "update_location"
    if document.get("type") == "update_location" and isinstance(document.get("data"), dict):
        report = _update(document["data"], request.received_at)
        return [] if report is None else [Told((report,))]
    if "entity_id" in document:
        return _automation(document, request.received_at)
    return []  # sensors, registration and the like


def _update(data: dict[str, Any], now: datetime) -> Report | None:
    """It has no time: it is now. Zones alone, or a position, as the app is set."""
    zones = data.get("in_zones")
    name = data.get("location_name")
    regions: tuple[str, ...] | None = None
    if isinstance(name, str) and name not in UNKNOWN:
        regions = () if name == AWAY else (_zone(name),)
    if isinstance(zones, list):
        regions = (*(regions or ()), *(_zone(zone) for zone in zones if isinstance(zone, str)))
    gps = data.get("gps")
    found = None
    if regions is None and isinstance(gps, list) and len(gps) >= 2:
        found = fix(gps[0], gps[1], data.get("gps_accuracy"), speed=data.get("speed"), unit=METRES_PER_SECOND)
    return None if regions is None and found is None else Report(now, "", found, regions)


def _automation(document: dict[str, Any], now: datetime) -> list[Told]:
    """``{"entity_id": "person.alice", "state": "office", "last_changed": "…"}``, or with ``zone`` and ``event``."""
    entity = str(document["entity_id"])
    names = (entity, entity.partition(".")[2])
    written = document.get("last_changed") or document.get("time")
    at = now if written is None else moment(written)
    if at is None:
        raise BadData("`last_changed` is no time")
    state, zone = document.get("state"), document.get("zone")
    if isinstance(zone, str) and document.get("event") in ("enter", "leave"):
        entered = document["event"] == "enter"
        name = _zone(zone)
        report = Report(at, entity, entered=name if entered else None, left=None if entered else name)
    elif isinstance(state, str) and state not in UNKNOWN:
        report = Report(at, entity, regions=() if state == AWAY else (_zone(state),))
    else:
        return []
    return [Told((report,), names)]


def _zone(name: str) -> str:
    return name.removeprefix("zone.")
