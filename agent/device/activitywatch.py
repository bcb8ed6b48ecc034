"""ActivityWatch on the same computer: the newest event of its afk watchers.

A `not-afk` event ends at the last input, to which its watcher adds every few seconds; an `afk` event begins with it.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from agent.device.use import Use

ADDRESS = "http://127.0.0.1:5600"
STOPPED_AFTER = timedelta(seconds=90)
"An event that nobody has added to for so long is the last word of a watcher that has stopped."


def fetch(url: str) -> Any:
    """JSON from an address, or None."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return json.loads(answer.read(1 << 20))
    except (OSError, ValueError, urllib.error.URLError):
        return None


class ActivityWatch:
    """``get``: JSON of an address, or None."""

    name = "ActivityWatch"

    def __init__(
        self, now: Callable[[], datetime], base: str = ADDRESS, get: Callable[[str], Any] = fetch
    ) -> None:
        self._now, self._base, self._get = now, base.rstrip("/"), get

    def look(self) -> Use | None:
        buckets = self._get(f"{self._base}/api/0/buckets/")
        if not isinstance(buckets, dict):
            return None
        # By type, not by name: on Wayland another watcher writes the same kind of bucket.
        found = [
            idle
            for name, bucket in buckets.items()
            if isinstance(bucket, dict)
            and bucket.get("type") == "afkstatus"
            and (idle := self._idle(str(name))) is not None
        ]
        return Use(min(found)) if found else None

    def _idle(self, bucket: str) -> float | None:
        events = self._get(f"{self._base}/api/0/buckets/{quote(bucket, safe='')}/events?limit=1")
        try:
            (event, *_) = events
            start = datetime.fromisoformat(event["timestamp"])
            end = start + timedelta(seconds=float(event["duration"]))
            status = event["data"]["status"]
        except (TypeError, ValueError, KeyError, OverflowError):
            return None
        now = self._now()
        if start.tzinfo is None or now - end > STOPPED_AFTER:
            return None
        last_input = end if status == "not-afk" else start
        return max(0.0, (now - last_input).total_seconds())
