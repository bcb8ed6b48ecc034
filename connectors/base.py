"""The plugin API: what a connector is given and what it has to offer.

A connector has one object per *link*; a link joins one person to one source (alice's calendar account). The
runner makes the object, calls ``poll`` when it is due, and does everything that is the same for all:
scheduling, jitter, back-off, health, logging, staleness. A connector only fetches and hands the payload to
its pure ``mapping``.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from connectors.facts import Fact
from connectors.privacy import Privacy

if TYPE_CHECKING:
    # The workshop's children import this file and have no use for an HTTP stack.
    from connectors.http import Http

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Link:
    """One person's account at one source."""

    id: str
    "Unique among all links, stable (`alice-work`)."
    connector: str
    "The connector's name (`caldav`)."
    person: str
    settings: Mapping[str, Any]
    "As written by the administrator or the person; validated by the connector's settings model."
    secret: str | None = field(default=None, repr=False)
    "Password or token."
    zone: str = "UTC"
    "The person's time zone (IANA name): floating times and whole days are meant in it."
    addresses: tuple[str, ...] = ()
    "All e-mail addresses of the person: how to find them among an event's attendees."
    privacy: Privacy = Privacy.BUSY


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll heard."""

    observed_at: datetime
    "When the source said so (aware UTC)."
    facts: tuple[Fact, ...] | None
    """Everything that the source says now, one fact per stream. None: nothing changed since the last poll.
    ``valid_until`` stays None unless the source itself says how long; the runner adds the staleness."""
    problems: tuple[str, ...] | None = None
    "Parts that could not be read, each named. None: as before."
    unheard: frozenset[str] = frozenset()
    "Sources (`Fact.source`) that could not be asked this time: their earlier facts stay, and age."


class Clock(Protocol):
    """Where time comes from; `agent.clock.SystemClock` in the service, virtual in tests."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...

    def now(self) -> datetime: ...


class Spawn(Protocol):
    """Starts a coroutine under supervision. Connectors and the runner create no tasks of their own."""

    def __call__(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> object: ...


class Meter(Protocol):
    """Takes the runner's measurements."""

    def polled(self, connector: str, outcome: str, seconds: float) -> None:
        """One poll ended. ``outcome``: `changed`, `unchanged`, `suspect`, or the `HealthState` of a failure."""

    def lag(self, connector: str, seconds: float) -> None:
        """A poll started this long after it was due."""


class Workshop(Protocol):
    """Runs costly or hostile work outside the event loop, in a process that can be killed."""

    async def each(
        self, function: Callable[..., T_co], items: Sequence[tuple[Any, ...]], *, limit: float
    ) -> list["T_co | Failed"]:
        """``function(*item)`` for each item. An item that raises, or needs more than ``limit`` seconds of
        processor time, gives a `Failed`; the others count. ``function`` is a module-level function."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """Why one item gave nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """What the runner gives to each connector object."""

    http: "Http"
    clock: Clock
    workshop: Workshop
    state: MutableMapping[str, str]
    """Small things worth keeping over a restart (a discovered address). May be lost at any time; holds no
    secrets."""


class PollConnector(Protocol):
    """Asks when it is told to. Made by ``ConnectorClass(link, settings, context)``."""

    async def poll(self, *, fresh: bool) -> Poll:
        """Ask the source. ``fresh``: trust nothing remembered, ask for everything; ``Poll.facts`` is then
        never None. Raises `connectors.errors.ConnectorError`; anything else is a fault of the connector."""
        ...

    async def close(self) -> None:
        """The link goes away or the service stops."""
        ...


class PushConnector(Protocol):
    """Is told by its source. Made like a `PollConnector`."""

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        """Listen and emit until cancelled. Returning or raising means that the source was lost; the runner
        calls again, with back-off. Nothing is emitted after `close`."""
        ...

    async def close(self) -> None:
        """The link goes away or the service stops: makes ``listen`` return."""
        ...
