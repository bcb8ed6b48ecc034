"""GPSLogger's custom URLs, its body for Home Assistant, and its files, as reports. Pure."""

import csv
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from urllib.parse import parse_qsl

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.location.report import METRES_PER_SECOND, Report, Told, fix
from connectors.location.times import moment

MOST_LINES = 20_000
"Of a file that is sent again as it grows."


def told_by(request: Received) -> list[Told]:
    """Raises BadData."""
    body = request.body.decode("utf-8", "replace").lstrip("\ufeff")
    if body.startswith("time,lat,lon"):
        return _file(body, request)
    given = dict([*request.query, *parse_qsl(body)])
    if not given:
        raise BadData("neither parameters nor a file")
    device = _first(given, "ser", "device", "aid", "profile")
    device = "" if device == "unknown" else device
    found = _report(given, device, request.received_at)
    return [] if found is None else [Told((found,), tuple(filter(None, (device, given.get("aid", "")))))]


def _report(given: Mapping[str, str], device: str, now: datetime) -> Report | None:
    """Times that are written but make no sense spoil it; without any (the body for Home Assistant) it is now."""
    written = _first(given, "ts", "timestamp", "time")
    at = moment(written) if written else now
    if at is None:
        return None
    found = fix(
        _first(given, "lat", "latitude"),
        _first(given, "lon", "longitude"),
        _first(given, "acc", "accuracy"),
        speed=_first(given, "spd", "speed"),
        unit=METRES_PER_SECOND,
        mock=_first(given, "prov", "provider").casefold() == "mock",
    )
    return Report(at, device, found)


def _file(text: str, request: Received) -> list[Told]:
    """CSV, the whole day again each time."""
    device = request.parameter("ser") or request.parameter("device") or ""
    reports = []
    for number, row in enumerate(csv.DictReader(StringIO(text))):
        if number >= MOST_LINES:
            break
        plain = {
            name: value for name, value in row.items() if isinstance(name, str) and isinstance(value, str)
        }
        found = _report(plain, device, request.received_at) if plain.get("time") else None
        if found is not None:
            reports.append(found)
    return [Told(tuple(reports), (device,) if device else ())]


def _first(given: Mapping[str, str], *names: str) -> str:
    """The first that is there, and not a placeholder that the app has left as it was."""
    return next((given[name] for name in names if given.get(name) and not given[name].startswith("%")), "")
