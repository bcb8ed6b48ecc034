"""What Google's refusals mean, in words that a person can act on. Pure.

Source: developers.google.com/workspace/calendar/api/guides/errors, …/identity/protocols/oauth2.
"""

from collections.abc import Mapping
from typing import Any

from connectors.errors import (
    AuthFailed,
    BadData,
    ConnectorError,
    Forbidden,
    Misconfigured,
    NotFound,
    Unreachable,
)
from connectors.google.calendar_api import read_error

_SLOWER = frozenset(
    {
        *("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"),
        *("calendarUsageLimitsExceeded", "RESOURCE_EXHAUSTED"),
    }
)
_FULL_SYNC = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})


class SyncLost(BadData):
    """The sync token is not known any more: everything has to be listed anew."""


class GoSlower(Unreachable):
    """A quota is used up."""


def service_refused(answer: Mapping[str, Any]) -> ConnectorError:
    """Of a token endpoint's refusal of a service account."""
    error = _error(answer)
    return _for_anybody(error) or AuthFailed(
        f"Google's sign-in does not accept the service account for this account ({error})",
        advice="Check that its key is still valid and that the account exists in the organisation.",
    )


def person_refused(answer: Mapping[str, Any], again: str) -> ConnectorError:
    """Of one of a person's sign-in. ``again``: the command by which the person signs in anew."""
    error = _error(answer)
    return _for_anybody(error) or AuthFailed(
        f"the sign-in at Google has expired or was withdrawn ({error})", advice=f"Sign in again: {again}"
    )


def _error(answer: Mapping[str, Any]) -> str:
    return str(answer.get("error") or "no reason given")[:60]


def _for_anybody(error: str) -> ConnectorError | None:
    if error in ("temporarily_unavailable", "internal_failure"):
        return Unreachable(f"Google's sign-in is not available for now ({error})")
    if error in ("invalid_client", "deleted_client", "disabled_client"):
        return AuthFailed(
            f"Google's sign-in does not accept the application ({error})",
            advice="Check client_id and the entry's secret.",
        )
    if error == "unauthorized_client":
        return AuthFailed(
            f"Google's sign-in does not let the application act for this account ({error})",
            advice="An administrator has to allow its client id the scope, under domain-wide delegation.",
        )
    return None


def api_refused(status: int, body: Any, retry_after: float | None) -> ConnectorError:
    """Of an error answer of the Calendar API. ``body``: parsed, or None where it is no JSON."""
    reason, _ = read_error(body)
    said = f"{status}, {reason}" if reason else str(status)
    if status == 429 or (status == 403 and reason in _SLOWER):
        return GoSlower(f"Google asked to go slower ({said})", retry_after=retry_after)
    if status == 410 or reason in _FULL_SYNC:
        return SyncLost(f"Google has forgotten how far the calendar was read ({said})")
    if status == 401:
        return AuthFailed(f"Google does not accept the sign-in ({said})", advice="Sign in again.")
    if status == 403 and reason in ("accessNotConfigured", "SERVICE_DISABLED"):
        return Misconfigured(
            f"the Calendar API is not switched on for the application ({said})",
            advice="Switch it on in the Google Cloud console.",
        )
    if status == 403:
        return Forbidden(
            f"Google does not let this calendar be read ({said})",
            advice="Its owner has to share it, or an administrator has to allow the scope.",
        )
    if status == 404:
        return NotFound(
            f"Google knows no such calendar ({said})", advice="Check the account and the calendar's id."
        )
    if status == 408 or status >= 500:
        return Unreachable(f"Google cannot answer for now ({said})", retry_after=retry_after)
    return BadData(f"Google did not understand the question ({said})")
