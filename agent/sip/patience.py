"""When a client of long-lived state asks again: shared by the publishing and the subscribing side."""

from collections.abc import Callable

from agent.sip.headers import Headers
from agent.sip.values import parse_seconds

Spread = Callable[[], float]
"Random, 0 ≤ x < 1: keeps thousands of equal clients out of step."

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 300.0
LONGEST_RETRY_AFTER = 3600.0
"A server that asks for more silence than this is asked again all the same."


def refresh_after(lifetime: float, spread: Spread) -> float:
    """Seconds from the grant to the refresh: 80 to 90 % of the lifetime, so that a lost attempt can be repeated."""
    return lifetime * (0.8 + 0.1 * spread())


def backoff(failures: int, spread: Spread, retry_after: int | None = None) -> float:
    """Seconds until the next attempt after ``failures`` earlier ones in a row: doubling, shortened by up to half,
    and never less than the server asked for."""
    delay = min(FIRST_BACKOFF * 2.0 ** min(failures, 16), LONGEST_BACKOFF) * (1.0 - spread() / 2)
    return delay if retry_after is None else max(delay, min(float(retry_after), LONGEST_RETRY_AFTER))


def seconds_in(headers: Headers, name: str) -> int | None:
    """``120;duration=60 (maintenance)`` -> 120; None when missing or unreadable."""
    return read_seconds(headers.get(name))


def read_seconds(text: str | None) -> int | None:
    try:
        return parse_seconds(text) if text is not None else None
    except ValueError:
        return None
