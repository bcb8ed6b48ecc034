"""The OsmAnd protocol, the JSON of Traccar Client, and what a Traccar server forwards, as reports. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.location.report import KNOTS, METRES_PER_SECOND, Report, Told, fix, number
from connectors.location.times import moment

METRES_PER_DILUTION = 5.0
"What a receiver under the open sky has at a horizontal dilution of precision of 1."
FALSE = frozenset({"0", "false", "no", "off"})


def told_by(request: Received) -> list[Told]:
    """Raises BadData."""
    body = request.body.strip()
    if body[:1] == b"{":
        try:
            document: Any = json.loads(body)
        except (ValueError, RecursionError):
            raise BadData("not JSON") from None
        return _by_json(document)
    pairs = [*request.query, *parse_qsl(body.decode("utf-8", "replace"))]
    return _by_query(dict(reversed(pairs)))


def _by_query(query: Mapping[str, str]) -> list[Told]:
    """``?id=…&lat=…&lon=…&timestamp=…&accuracy=…&speed=…``, speed in knots; cells and access points are of no use
    here."""
    at = moment(query.get("timestamp"))
    device = query.get("id") or query.get("deviceid") or ""
    latitude, longitude = query.get("lat"), query.get("lon")
    if "location" in query:
        latitude, _, longitude = query["location"].partition(",")
    if at is None or query.get("valid", "true").lower() in FALSE:
        return []
    accuracy: object = query.get("accuracy") or query.get("hacc")
    dilution = number(query.get("hdop"))
    if accuracy is None and dilution is not None:
        accuracy = dilution * METRES_PER_DILUTION
    found = fix(latitude, longitude, accuracy, speed=query.get("speed"), unit=KNOTS)
    return [_told(Report(at, device, found), device)]


def _by_json(document: dict[str, Any]) -> list[Told]:
    if isinstance(document.get("event"), dict):
        return _forwarded_event(document)
    if isinstance(document.get("position"), dict):
        return _forwarded_position(document)
    return _client(document)


def _client(document: dict[str, Any]) -> list[Told]:
    """Traccar Client: speed in m/s, what it does not know is -1."""
    location = document.get("location")
    coords = location.get("coords") if isinstance(location, dict) else None
    if not isinstance(location, dict) or not isinstance(coords, dict):
        raise BadData("no `location` with `coords`")
    at = moment(location.get("timestamp"))
    device = str(document.get("device_id") or "")
    if at is None:
        return []
    found = fix(
        coords.get("latitude"),
        coords.get("longitude"),
        coords.get("accuracy"),
        speed=coords.get("speed"),
        unit=METRES_PER_SECOND,
        mock=location.get("mock") is True,
    )
    return [_told(Report(at, device, found), device)]


def _forwarded_position(document: dict[str, Any]) -> list[Told]:
    """`forward.type=json`: speed in knots, no accuracy is 0."""
    position, device = document["position"], _device(document)
    at = moment(position.get("fixTime") or position.get("deviceTime"))
    if at is None or position.get("valid") is False or position.get("outdated") is True:
        return []
    found = fix(
        position.get("latitude"),
        position.get("longitude"),
        position.get("accuracy"),
        speed=position.get("speed"),
        unit=KNOTS,
    )
    return [_told(Report(at, device[0] if device else "", found), *device)]


def _forwarded_event(document: dict[str, Any]) -> list[Told]:
    """`event.forward.url`: the server saw somebody enter or leave one of its geofences. The position is not looked
    at."""
    event, fence = document["event"], document.get("geofence")
    name = fence.get("name") if isinstance(fence, dict) else None
    at = moment(event.get("eventTime"))
    device = _device(document)
    if at is None or not isinstance(name, str) or not name:
        return []
    first = device[0] if device else ""
    if event.get("type") == "geofenceEnter":
        return [_told(Report(at, first, entered=name), *device)]
    if event.get("type") == "geofenceExit":
        return [_told(Report(at, first, left=name), *device)]
    return []  # on line, off line, moving: nothing about where


def _device(document: dict[str, Any]) -> tuple[str, ...]:
    device = document.get("device")
    if not isinstance(device, dict):
        return ()
    return tuple(str(device[key]) for key in ("uniqueId", "name") if device.get(key))


def _told(report: Report, *names: str) -> Told:
    return Told((report,), tuple(filter(None, names)))
