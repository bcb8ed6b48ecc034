"""What Microsoft's refusals mean, in words that a person can act on. Pure.

Sources: learn.microsoft.com/graph/errors, learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re
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
from connectors.microsoft.graph import read_error

_CODE = re.compile(r"\bAADSTS\d+")
_SYNC_LOST = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})
_AGAIN = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})
_AWAY = frozenset({"temporarily_unavailable", "server_error"})
_UNKNOWN_APP = frozenset({"AADSTS700016", "AADSTS90002", "AADSTS900023"})
_OLD_SECRET = frozenset({"AADSTS7000215", "AADSTS7000222", "AADSTS700027"})


class SyncLost(BadData):
    """The delta token is not known any more: a new round has to begin."""


def sign_in_refused(answer: Mapping[str, Any], again: str) -> ConnectorError:
    """Of a token endpoint's error answer. ``again``: the command by which the person signs in anew; empty when the
    application signs in by itself."""
    error = str(answer.get("error") or "")
    found = _CODE.search(str(answer.get("error_description") or ""))
    code = found[0] if found else error[:60] or "no reason given"
    if error in _AWAY:
        return Unreachable(f"Microsoft's sign-in is not available for now ({code})")
    if code in _UNKNOWN_APP:
        return Misconfigured(
            f"Microsoft's sign-in does not know the application in this organisation ({code})",
            advice="Check tenant, client_id and cloud.",
        )
    if code in _OLD_SECRET:
        return AuthFailed(
            f"Microsoft's sign-in does not accept the application's secret or certificate ({code})",
            advice="Give the entry one that is registered and has not expired.",
        )
    if again and error in _AGAIN:
        return AuthFailed(
            f"the sign-in at Microsoft has expired or was withdrawn ({code})",
            advice=f"Sign in again: {again}",
        )
    return AuthFailed(
        f"Microsoft's sign-in refused ({code})",
        advice=f"Sign in again: {again}"
        if again
        else "An administrator has to look at the registered application.",
    )


def graph_refused(status: int, body: Any, retry_after: float | None) -> ConnectorError:
    """Of an error answer of Microsoft Graph. ``body``: parsed, or None where it is no JSON."""
    code, message = read_error(body)
    said = f"{status}, {code}" if code else str(status)
    if status == 410 or code.lower() in _SYNC_LOST:
        return SyncLost(f"Microsoft Graph has forgotten how far the calendar was read ({said})")
    if status == 401:
        return AuthFailed(
            f"Microsoft Graph does not accept the sign-in ({said})",
            advice="Check that cloud and tenant are right and that the application has its permissions.",
        )
    if status == 403:
        return Forbidden(
            f"Microsoft Graph does not let this calendar be read ({said})",
            advice="An administrator has to grant the permission that this connector's page names, for this mailbox.",
        )
    if status == 404:
        return NotFound(
            f"Microsoft Graph knows no such mailbox ({said})",
            advice="Check the link's mailbox; it must be in Exchange Online.",
        )
    if status in (408, 409, 423, 425, 429) or status >= 500:
        slower = "asked to go slower" if status == 429 else "cannot answer for now"
        return Unreachable(f"Microsoft Graph {slower} ({said})", retry_after=retry_after)
    if code == "ValidationError" or "validation request" in message.lower():
        return BadData(
            f"Microsoft cannot reach the address for notifications ({said})",
            advice="`ingress.public_url` has to begin with https, with a certificate that is publicly trusted.",
        )
    return BadData(f"Microsoft Graph did not understand the question ({said})")
