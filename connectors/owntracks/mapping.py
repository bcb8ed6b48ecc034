"""OwnTracks' messages (https://owntracks.org/booklet/tech/json/) as reports. Pure."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from connectors.errors import BadData
from connectors.location.report import Report, Told, fix
from connectors.location.secretbox import opened
from connectors.location.times import moment

Secret = Callable[[Iterable[str]], str | None]
"Names of somebody -> their key."


def messages(payload: bytes, names: tuple[str, ...], device: str, secret: Secret) -> list[Told]:
    """One message, or an array of them. ``names``, ``device``: by topic or headers. Raises BadData."""
    if not payload.strip():
        return []  # usual: a zero-length body asks for commands
    try:
        document: Any = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadData("not JSON") from None
    found = []
    for message in document if isinstance(document, list) else [document]:
        if isinstance(message, dict):
            found += _message(message, names, device, secret)
    return found


def _message(message: dict[str, Any], names: tuple[str, ...], device: str, secret: Secret) -> list[Told]:
    if message.get("_type") == "encrypted":
        inner = opened(message.get("data"), secret(names))
        if not isinstance(inner, dict) or inner.get("_type") == "encrypted":
            raise BadData("nothing of use was encrypted")
        message = inner
    by_topic = _of_topic(message.get("topic"))
    if by_topic is not None:
        names = (*names, by_topic[0])
        device = device or by_topic[1]
    report = _report(message, device)
    return [] if report is None else [Told((report,), names)]


def _of_topic(topic: object) -> tuple[str, str] | None:
    parts = topic.split("/") if isinstance(topic, str) else []
    return (parts[1], parts[2]) if len(parts) >= 3 else None


def _report(message: dict[str, Any], device: str) -> Report | None:
    """None: nothing about where the device is (`lwt`: the connection was lost; waypoints, commands, status …)."""
    kind = message.get("_type")
    at = moment(message.get("tst"))
    if kind not in ("location", "transition") or at is None:
        return None
    if kind == "transition":
        region = message.get("desc")
        if not isinstance(region, str) or not region.strip():
            return None
        entered = message.get("event") == "enter"
        if not entered and message.get("event") != "leave":
            return None
        return Report(at, device, entered=region if entered else None, left=None if entered else region)
    regions = message.get("inregions")
    return Report(
        at,
        device,
        fix(
            message.get("lat"),
            message.get("lon"),
            message.get("acc"),
            speed=message.get("vel"),
        ),
        tuple(name for name in regions if isinstance(name, str)) if isinstance(regions, list) else None,
    )
