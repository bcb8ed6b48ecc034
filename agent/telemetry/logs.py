"""Structured logs: readable lines on a terminal, JSON lines for machines, secrets in neither.

Any module logs through the standard library. Figures and names go beside the text, not into it:
``logger.info("calendar answers again", extra={"fields": {"link": link.id, "after_seconds": 95}})``.
"""

import json
import logging
import sys
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, TextIO

from agent.telemetry.redact import redact, redact_fields

CHATTY = (
    "aiohttp",
    "apscheduler",
    "asyncio",
    "caldav",
    "sqlalchemy",
    "alembic",
    "urllib3",
    "uvicorn",
    "niquests",
    "httpx",
)
"Libraries whose own lines below WARNING tell an operator nothing."


class TextFormatter(logging.Formatter):
    """``2026-03-02T09:00:00.123Z INFO  supervise: a service failed service=notifier in_seconds=2``"""

    def format(self, record: logging.LogRecord) -> str:
        fields = redact_fields(getattr(record, "fields", {}))
        pairs = "".join(f" {name}={_plain(value)}" for name, value in fields.items())
        message = _one_line(redact(record.getMessage()))
        source = record.name.removeprefix("lamplighter.")
        line = f"{_timestamp(record)} {record.levelname:<7} {source}: {message}{pairs}"
        return f"{line}\n{_trace(record)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for name, value in redact_fields(getattr(record, "fields", {})).items():
            line[name if name not in line else f"field_{name}"] = value
        if record.exc_info:
            line["trace"] = _trace(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(
    level: str = "info", style: str = "auto", stream: TextIO | None = None
) -> logging.Handler:
    """Send every logger of the process to ``stream`` (standard error), replacing what was set before.

    ``level``: debug, info, warning or error. ``style``: text, json, or auto (text on a terminal, else JSON).
    Returns the handler, so that a test or a live screen can take it out again.
    """
    stream = stream or sys.stderr
    if style == "auto":
        style = "text" if stream.isatty() else "json"
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    return handler


class Repeats:
    """Lets one line through per key and interval, and counts what it held back.

    For what the network can cause at will, e.g. malformed datagrams: a flood is two lines a minute, not a
    full disk. Remembers at most ``keys`` keys; the longest untouched are forgotten first.
    """

    def __init__(self, interval: float = 60.0, keys: int = 1024) -> None:
        self._interval = interval
        self._keys = keys
        self._seen: OrderedDict[object, tuple[float, int]] = OrderedDict()

    def admit(self, key: object, now: float) -> int | None:
        """None: hold this one back. Otherwise log it, with the number held back since the last (0 at first).

        ``now`` is monotonic seconds.
        """
        known = self._seen.pop(key, None)
        if known is not None and now - known[0] < self._interval:
            self._seen[key] = (known[0], known[1] + 1)
            return None
        self._seen[key] = (now, 0)
        if len(self._seen) > self._keys:
            self._seen.popitem(last=False)
        return known[1] if known is not None else 0


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> str:
    return redact(logging.Formatter().formatException(record.exc_info)) if record.exc_info else ""


def _one_line(text: str) -> str:
    """No foreign text can forge a second line or drive the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _plain(value: object) -> str:
    text = str(value)
    safe = text.isprintable() and text and not any(char in text for char in ' "=')
    return text if safe else json.dumps(text, ensure_ascii=False)
