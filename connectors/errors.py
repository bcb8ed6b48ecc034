"""What can go wrong between a connector and its source.

The class decides what the runner does (how soon it tries again, whom the health addresses); the words reach
the person or the administrator as they are, so they never hold a secret, a URL's user part or query, or a
traceback.
"""

from typing import ClassVar

from connectors.health import HealthState


class ConnectorError(Exception):
    """A poll failed for a reason that the connector understands.

    ``what``: what happened, as a sentence without the full stop (`the server said 503`).
    ``advice``: what to do about it; each class has one that usually fits.
    """

    state: ClassVar[HealthState] = HealthState.BAD_DATA
    advice: ClassVar[str] = ""

    def __init__(self, what: str, *, advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self._advice = self.advice if advice is None else advice

    @property
    def words(self) -> str:
        """``what`` and the advice, as sentences."""
        sentence = self.what[:1].upper() + self.what[1:]
        sentence = sentence if sentence.endswith(("?", "!")) else sentence.rstrip(".") + "."
        return f"{sentence} {self._advice}".strip()


class AuthFailed(ConnectorError):
    """The source does not accept the user name, password or token. Tried again seldom: accounts get locked."""

    state = HealthState.AUTH_FAILED
    advice = "Check the user name and give a new (app) password."


class Forbidden(ConnectorError):
    """Signed in, but this may not be read."""

    state = HealthState.FORBIDDEN
    advice = "Ask the owner of the source to allow reading."


class NotFound(ConnectorError):
    """The server is there; what was asked for is not."""

    state = HealthState.NOT_FOUND
    advice = "Check the address."


class Unreachable(ConnectorError):
    """No useful answer for now: network, TLS, timeout, 5xx, throttling.

    ``retry_after``: seconds that the source asked us to wait, if it did.
    """

    state = HealthState.UNREACHABLE
    advice = "It is tried again by itself; what was known stays valid for a while."

    def __init__(self, what: str, *, retry_after: float | None = None, advice: str | None = None) -> None:
        super().__init__(what, advice=advice)
        self.retry_after = retry_after


class TimedOut(Unreachable):
    """Connected, but no answer in time: perhaps to this one question only."""


class BadData(ConnectorError):
    """The source answered, and the answer makes no sense."""

    state = HealthState.BAD_DATA
    advice = "Check that the address is the right kind of source."


class Refused(ConnectorError):
    """Lamplighter does not connect there (private addresses, unencrypted passwords)."""

    state = HealthState.REFUSED
    advice = "An administrator can allow the host or network by name in the settings."


class Misconfigured(ConnectorError):
    """The link's settings contradict themselves or the source."""

    state = HealthState.MISCONFIGURED
    advice = "Correct the link's settings."


class Fault(ConnectorError):
    """The connector broke one of its own assumptions; details are in the log."""

    state = HealthState.FAULT
    advice = "Please report this, with the log."


def as_connector_error(caught: Exception) -> ConnectorError:
    """What became of a connector, whatever it raised."""
    if isinstance(caught, ConnectorError):
        return caught
    if isinstance(caught, TimeoutError):
        return Unreachable("the source did not answer in time")
    if isinstance(caught, ConnectionError):
        return Unreachable(f"the connection broke ({type(caught).__name__})")
    return Fault(f"the connector failed ({type(caught).__name__})")
