"""What a connector can do with SIP: keep a subscription to somebody's event package (RFC 6665).

The agent is the user agent; `Context.sip` is how connectors reach it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connectors.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Wanted:
    """One subscription."""

    uri: str
    "Whose state: ``sip:1001@pbx.example.org``."
    event: str
    "The package: ``dialog``, ``presence`` …"
    accept: tuple[str, ...]
    "Media types that are understood."
    server: str | None = None
    "A URI that leads to the server: ``sip:10.0.0.5:5060;transport=tcp``. None: where ``uri`` leads."
    from_: str | None = None
    "The watcher's URI. None: ``sip:`` the user name (or ``lamplighter``) ``@`` the host of ``uri``."
    user: str | None = None
    "User name for digest authentication. None: challenges are not answered."
    password: str | None = field(default=None, repr=False)
    expires: int = 3600
    "Seconds to ask for at a time."
    one_dialog_each: bool | None = None
    """COMPAT(FreeSWITCH): every document says that it is the full state and holds one dialog of several. None: so if
    the server calls itself FreeSWITCH."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """One call as the package ``dialog`` tells it (RFC 4235), vendors' ways evened out."""

    state: str
    "``trying``, ``proceeding``, ``early`` or ``confirmed``; those that are over are left out."
    direction: str | None = None
    "``in`` or ``out``."
    held: bool = False
    focus: bool = False
    "The address is, or takes part in, a conference (RFC 4235 §4.1.6.2 ``isfocus``)."
    remote: str | None = None
    "The URI of the far end."
    duration: int | None = None
    "Seconds."


@dataclass(frozen=True, slots=True)
class Presence:
    """What a PIDF document says at its most general (RFC 3863)."""

    basic: str | None
    "``open`` as soon as one service is, else ``closed``; None: nothing is said."
    notes: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What one NOTIFY of an active subscription told."""

    received_at: datetime
    content_type: str | None = None
    "None: there is no body."
    body: bytes = field(default=b"", repr=False)
    dialogs: tuple[Dialog, ...] | None = None
    "All calls there are, put together from what was told so far. None: another package, or not known completely."
    presence: Presence | None = None
    "None: another package."
    problem: str | None = None
    "Why the body could not be read, or what was odd about it."


class Subscription(Protocol):
    """Under way since it was asked for: refreshed, begun anew, credentials given as the server asks."""

    def refresh(self) -> None:
        """Ask for the full state now."""
        ...

    def stop(self) -> None:
        """Unsubscribe. Nothing is told any more."""
        ...


class Sip(Protocol):
    """Satisfied by `agent.subscriptions.Subscriptions`."""

    def subscribe(
        self, wanted: Wanted, told: Callable[[Notice], None], lost: Callable[[ConnectorError], None]
    ) -> Subscription:
        """``told`` is called for each NOTIFY in order. ``lost`` is called once, when there is no subscription any
        more and none can be had at once: the runner then decides when to try again, not before ``retry_after``."""
        ...
