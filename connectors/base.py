"""The plugin API: what a connector is given and what it has to offer.

A connector has one object per *link*; a link joins one person to one source (alice's calendar account). The
runner makes the object, calls ``poll`` when it is due, and does everything that is the same for all:
scheduling, jitter, back-off, health, logging, staleness. A connector only fetches and hands the payload to
its pure ``mapping``.

Where one connection, one request or one webhook serves many people, the connector has a *hub* beside it: one
object for all links of an entry in the settings (a PBX with two hundred phones). Links attach to it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from connectors.facts import Fact
from connectors.ingress import Received, Reply
from connectors.privacy import Privacy
from connectors.sip import Sip

if TYPE_CHECKING:
    # The workshop's children import this file and have no use for an HTTP stack.
    from connectors.http import Http

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """What all links of one entry under ``connectors`` in the settings have in common. Equal entries share a hub."""

    key: str
    "As in the settings (`pbx`)."
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    "Validated by the connector's hub settings model; the links' own settings include them."
    secret: str | None = field(default=None, repr=False)
    "Password or token of the hub. Links that have no secret of their own get it too."


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
    entry: Entry = Entry("")
    "Where the settings say what this link has in common with others."


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
    announced: bool = False
    """The source itself had told that something is changed: what is suddenly empty or missing is believed at once."""


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
        processor time, gives a `Failed`; the others count. All together get ten times the limit. ``function`` is a
        module-level function."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """Why one item gave nothing."""

    reason: str


Memory = tuple[MutableMapping[str, str], MutableMapping[str, str]]
"(`Context.state`, `Context.secrets`)"


@dataclass(frozen=True, slots=True)
class Context:
    """What the runner gives to each connector object."""

    http: "Http"
    clock: Clock
    workshop: Workshop
    spawn: Spawn
    "For what has to go on beside ``poll``, ``listen`` or ``run``; ends with the service at the latest."
    state: MutableMapping[str, str]
    """Small things worth keeping over a restart (a discovered address). May be lost at any time; holds no
    secrets."""
    secrets: MutableMapping[str, str] = field(default_factory=dict, repr=False)
    "The same for what must not be read by others: token caches."
    poll_now: Callable[[], None] = lambda: None
    "Makes this link due at once: for a source that says that something has changed, but not what."
    callback_url: str | None = None
    """The public address at which requests reach this link's or hub's ``receive``. None: the settings name none. It is
    no secret and opens nothing by itself: see `connectors.reception.Reception`."""
    hub: Any = None
    "What this link shares with the other links of its entry; None where the connector's manifest names no hub."
    sip: Sip | None = None
    "To subscribe to what SIP servers and phones tell; None where there is no user agent."
    command: "Command | None" = None
    "For what people say through a source, such as a code that they dial; None where nobody takes it."


class Command(Protocol):
    """Does what a person says in words, as by SIP MESSAGE: ``lunch 45m``, ``dnd``, ``auto``."""

    def __call__(self, person: str, text: str, /) -> Awaitable[str]:
        """``person``: the key in the settings. Gives the answer in words, also when it understood nothing."""
        ...


class PollConnector(Protocol):
    """Asks when it is told to. Made by ``ConnectorClass(link, settings, context)``."""

    async def poll(self, *, fresh: bool) -> Poll:
        """Ask the source. ``fresh``: trust nothing remembered, ask for everything; ``Poll.facts`` is then
        never None. Raises `connectors.errors.ConnectorError`; anything else is a fault of the connector."""
        ...

    async def close(self) -> None:
        """The link goes away or the service stops."""
        ...


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One calendar (or the like) that an account has."""

    name: str
    meaning: str
    "What it means to the rules; empty when it does not count."
    counts: bool
    why: str = ""
    "Why it does not count."


class Surveys(Protocol):
    """A connector that can say what there is at its source, also what it leaves out: for `lamplighter links check`."""

    async def survey(self) -> Sequence[Surveyed]:
        """Called after a poll that was answered."""
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


class Hub(Protocol):
    """What all links of one entry share. Made by ``HubClass(entry, settings, context)`` before the connector of its
    first link, closed after that of its last. How links attach is between the two classes.

    It may also have ``async receive(request: Received) -> Reply``, as may a connector: see `Receives`.
    """

    async def run(self, heard: Callable[[], None]) -> None:
        """Stay with the source until cancelled; call ``heard`` when it has answered. Returning or raising means that
        the source was lost; the runner calls again, with back-off. A hub that only receives has no ``run``."""
        ...

    async def close(self) -> None:
        """The last link has gone or the service stops: makes ``run`` return."""
        ...


class Receives(Protocol):
    """A hub or a connector that is sent HTTP requests by its source. What it takes says its attribute ``reception``
    (`connectors.reception.Reception`), if it has one."""

    async def receive(self, request: Received) -> Reply:
        """Take a request that the ingress has let through, and answer soon. Raises `connectors.errors.BadData` for
        one that makes no sense. Facts go to whom ``listen`` was given."""
        ...
