"""Overland's batches (GeoJSON) as reports. Pure."""

import json
from typing import Any

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.location.report import METRES_PER_SECOND, Report, Told, fix
from connectors.location.times import moment

MOST_POINTS = 5000
"In one batch; the app's own limit is 1000."


def told_by(request: Received) -> list[Told]:
    """Raises BadData. In GeoJSON the longitude comes first (RFC 7946 §3.1.1)."""
    if not request.body:
        return _by_query(request)
    try:
        document: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadData("not JSON") from None
    if not isinstance(document, dict):
        raise BadData("not an object with `locations`")
    points = document.get("locations")
    # When much has piled up the app says besides where it is now; the order of times makes it the one that counts.
    features = [*(points if isinstance(points, list) else []), document.get("current")]
    by_device: dict[str, list[Report]] = {}
    for feature in features[: MOST_POINTS + 1]:
        found = _feature(feature)
        if found is not None:
            by_device.setdefault(found.device, []).append(found)
    return [Told(tuple(reports), (device,) if device else ()) for device, reports in by_device.items()]


def _feature(feature: Any) -> Report | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(properties, dict) or not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    at = moment(properties.get("timestamp"))
    device = properties.get("device_id")
    if at is None:
        return None
    longitude, latitude = coordinates[:2]
    return Report(
        at,
        device if isinstance(device, str) else "",
        fix(
            latitude,
            longitude,
            properties.get("horizontal_accuracy"),
            speed=properties.get("speed"),
            unit=METRES_PER_SECOND,
        ),
    )


def _by_query(request: Received) -> list[Told]:
    """The app can be made to write its values into the address instead."""
    at = moment(request.parameter("ts"))
    if at is None:
        return []
    device = request.parameter("device") or request.parameter("device_id") or ""
    found = fix(
        request.parameter("lat"),
        request.parameter("lon"),
        request.parameter("acc"),
        speed=request.parameter("spd"),
        unit=METRES_PER_SECOND,
    )
    return [Told((Report(at, device, found),), (device,) if device else ())]
