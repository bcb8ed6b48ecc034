"""Moments as location apps write them. Pure."""

from datetime import UTC, datetime, timedelta

from connectors.location.report import number

_MILLISECONDS = 100_000_000_000


def moment(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601 (without a zone: UTC). None: it is none of these."""
    seconds = number(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(0, UTC) + timedelta(
                seconds=seconds / 1000 if seconds > _MILLISECONDS else seconds
            )
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None
