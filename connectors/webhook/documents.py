"""From a request to JSON-like documents: CloudEvents 1.0 in its three modes, JSON, forms, query strings. Pure."""

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from connectors.errors import BadData
from connectors.ingress import Received

REQUIRED = ("id", "source", "type")
MOST_EVENTS = 1000
"In one batch."


def documents(request: Received) -> tuple[bool, list[Any]]:
    """(whether they are CloudEvents, what the request says). An event has its attributes, and its ``data``.

    Raises BadData, in words that tell what was expected.
    """
    media_type, charset = _content_type(request)
    if "ce-specversion" in request.headers:
        return True, [_binary_event(request, media_type, charset)]
    if media_type == "application/cloudevents+json":
        return True, [_event(_json(request.body, charset))]
    if media_type == "application/cloudevents-batch+json":
        batch = _json(request.body, charset)
        if not isinstance(batch, list):
            raise BadData("a batch of CloudEvents is a JSON array")
        if len(batch) > MOST_EVENTS:
            raise BadData(f"more than {MOST_EVENTS} CloudEvents in one batch")
        return True, [_event(event) for event in batch]
    return False, [document(request, media_type, charset)]


def document(request: Received, media_type: str, charset: str) -> Any:
    """JSON, a form, or, without a body, the query."""
    if not request.body:
        return _named(request.query)
    if media_type == "application/x-www-form-urlencoded":
        return _named(tuple(parse_qsl(_text(request.body, charset), keep_blank_values=True)))
    return _json(request.body, charset)


def _named(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """A name that is there several times has a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _binary_event(request: Received, media_type: str, charset: str) -> dict[str, Any]:
    # CloudEvents HTTP Protocol Binding 1.0.2 §3.1.3.2: header values are percent-encoded.
    event: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value)
        for name, value in request.headers.items()
        if name.startswith("ce-")
    }
    if request.body:
        is_json = not media_type or media_type.endswith("json")
        event["data"] = _json(request.body, charset) if is_json else document(request, media_type, charset)
    return _checked(event)


def _event(event: Any) -> dict[str, Any]:
    """CloudEvents JSON Format 1.0.2 §3."""
    if not isinstance(event, dict):
        raise BadData("a CloudEvent is a JSON object")
    event = dict(event)
    packed = event.pop("data_base64", None)
    if packed is not None:
        try:
            event["data"] = json.loads(base64.b64decode(packed, validate=True))
        except (binascii.Error, TypeError, ValueError):
            raise BadData("`data_base64` of a CloudEvent is not JSON in base64") from None
    return _checked(event)


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("specversion") != "1.0":
        raise BadData("CloudEvents of `specversion` 1.0 are taken")
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise BadData(f"the CloudEvent has no `{name}`")
    return event


def _json(body: bytes, charset: str) -> Any:
    try:
        return json.loads(_text(body, charset), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadData("the body is not JSON") from None


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are not JSON (RFC 8259 §6)


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except (UnicodeDecodeError, LookupError):
        raise BadData(f"the body is not {charset} text") from None


def _content_type(request: Received) -> tuple[str, str]:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    found = re.search(r"charset=\"?([\w-]+)", parameters, re.IGNORECASE)
    return media_type.strip().lower(), found[1] if found else "utf-8-sig"
