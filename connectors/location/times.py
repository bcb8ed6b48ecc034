"""Moments as location apps write them. Pure."""

from datetime import UTC, datetime

from connectors.location.report import number
from connectors.moments import since_1970


def moment(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601 (without a zone: UTC). None: it is none of these."""
    seconds = number(value)
    try:
        if seconds is not None:
            return since_1970(seconds)
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None
