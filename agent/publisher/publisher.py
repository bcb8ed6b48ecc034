"""The PUBLISH client for everybody: one `Session` for each presentity, one timer, and a bound on what is under way.

A 503 with Retry-After silences the whole target (RFC 3261 §21.5.4), because it speaks for the server and not for the
person. There is one publisher for each target.
"""

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Protocol

from agent.clock import Clock
from agent.net.authentication import Requester, request_authenticated
from agent.net.errors import RequestFailed
from agent.net.memory import Hop
from agent.publisher.session import Health, Kind, Publish, Session, State
from agent.sip.digest import Credentials, DigestClient
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.patience import LONGEST_RETRY_AFTER, Spread, seconds_in

log = logging.getLogger("lamplighter.publisher")

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"`agent.supervise.Supervisor.spawn`."
Outcome = Callable[[Kind, int, float], None]
"(kind, status or 0 when nobody answered, seconds it took)."


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A publication that stands at the server. ``expires_at``: wall clock, seconds."""

    entity_tag: str
    expires_at: float


class TagStore(Protocol):
    """Keeps entity-tags, so that a restart goes on with its publications instead of doubling them."""

    async def load(self) -> Mapping[str, StoredTag]:
        """Everything that was saved, by presentity."""

    def save(self, entity: str, tag: StoredTag | None) -> None:
        """Replace; None: forget. Returns at once."""


class NoTags:
    """A TagStore that keeps nothing."""

    async def load(self) -> Mapping[str, StoredTag]:
        return {}

    def save(self, entity: str, tag: StoredTag | None) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Options:
    """``target``: SIP URI that requests are sent to; None: where each presentity's domain leads."""

    target: str | None = None
    outbound_proxy: str | None = None
    "SIP URI that requests travel through, with a Route header."
    expires: int = 3600
    at_a_time: int = 64
    "Requests under way together."
    credentials: Callable[[str], Credentials | None] = lambda entity: None
    "By presentity."
    content_type: str = "application/pidf+xml"
    event: str = "presence"


@dataclass(slots=True)
class _Publication:
    """One presentity's session, and what its requests need."""

    entity: str
    session: Session
    call_id: str
    cseq: int = 0
    queued: bool = False
    sending: bool = False
    due: float | None = None
    saved: StoredTag | None = None
    told: State = field(default=State.IDLE)
    "The state that the log has last heard of."


class Publisher:
    """`start` it, `publish` whatever changes, `close` it. Lives on one event loop; ``spawn`` makes its tasks."""

    def __init__(
        self,
        agent: Requester | Hop,
        clock: Clock,
        spawn: Spawn,
        options: Options,
        *,
        token: Callable[[], str],
        spread: Spread,
        tags: TagStore | None = None,
        on_outcome: Outcome = lambda kind, status, seconds: None,
    ) -> None:
        """``agent``: the way to the server. ``token()``: fresh and unguessable."""
        self._agent = agent
        self._clock = clock
        self._spawn = spawn
        self._options = options
        self._token = token
        self._spread = spread
        self._tags: TagStore = tags if tags is not None else NoTags()
        self._on_outcome = on_outcome
        self._publications: dict[str, _Publication] = {}
        self._ready: deque[_Publication] = deque()
        self._waiting: list[tuple[float, int, _Publication]] = []
        self._order = count()
        self._under_way = 0
        self._quiet_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        "By the loop's clock. COMPAT(uvloop 0.23): a handle of `call_later(0, …)` can't say it."
        self._drained = asyncio.Event()
        self._closed = False
        self._clients: dict[str, DigestClient] = {}
        self._trouble_is_told = False

    async def start(self) -> None:
        """Take up the publications of a former run; each is modified when its person's state is published."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        for entity, tag in (await self._tags.load()).items():
            publication = self._of(entity)
            publication.saved = tag
            publication.session.restore(tag.entity_tag, now + tag.expires_at - wall)

    def publish(self, entity: str, body: bytes | None) -> None:
        """The full state of a presentity from now on; None: it has none, remove the publication. Returns at once."""
        publication = self._of(entity)
        publication.session.desire(body, self._clock.monotonic())
        self._queue(publication)
        self._pump_at(self._clock.monotonic())

    def entities(self) -> frozenset[str]:
        """Of whom anything was published, in this run or a former one."""
        return frozenset(self._publications)

    def health(self, entity: str) -> Health | None:
        """None: nothing was ever published for it."""
        publication = self._publications.get(entity)
        return publication.session.health if publication is not None else None

    def troubled(self) -> dict[str, Health]:
        """The presentities whose state the server does not show, and why."""
        return {
            entity: publication.session.health
            for entity, publication in self._publications.items()
            if publication.session.health.state in (State.RETRYING, State.STOPPED)
        }

    def publication(self, entity: str) -> tuple[str | None, float | None]:
        """(entity-tag, monotonic moment of its expiry) as the server granted them."""
        publication = self._publications.get(entity)
        return (
            (publication.session.entity_tag, publication.session.expires_at) if publication else (None, None)
        )

    async def close(self, *, remove: bool, within: float = 5.0) -> None:
        """Remove every publication, as far as the server answers in time, or leave them to the next run."""
        if remove and not self._closed:
            for entity in list(self._publications):
                self.publish(entity, None)
            try:
                async with asyncio.timeout(within):
                    while any(p.session.health.state is not State.IDLE for p in self._publications.values()):
                        self._drained.clear()
                        await self._drained.wait()
            except TimeoutError:
                left = sum(p.session.health.state is not State.IDLE for p in self._publications.values())
                log.warning(
                    "publications not removed in time, the server will drop them when they expire: %d", left
                )
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    # -- whose turn it is ----------------------------------------------------------------------------------------

    def _of(self, entity: str) -> _Publication:
        publication = self._publications.get(entity)
        if publication is None:
            session = Session(self._options.expires, self._spread, self._clock.monotonic())
            publication = self._publications[entity] = _Publication(entity, session, self._token())
        return publication

    def _queue(self, publication: _Publication) -> None:
        if not publication.queued and not publication.sending:
            publication.queued, publication.due = True, None
            self._ready.append(publication)

    def pump(self) -> None:
        """Start what is due, as far as there is room. Called by its own timer."""
        now = self._clock.monotonic()
        self._timer = None
        while self._waiting and self._waiting[0][0] <= now:
            due, _, publication = heapq.heappop(self._waiting)
            if publication.due == due:
                self._queue(publication)
        while self._ready and now >= self._quiet_until and self._under_way < self._options.at_a_time:
            publication = self._ready.popleft()
            publication.queued = False
            action = publication.session.next_action(now)
            if isinstance(action, Publish):
                self._begin(publication, action, now)
            elif action.until is not None:
                publication.due = action.until
                heapq.heappush(self._waiting, (action.until, next(self._order), publication))
        if not self._ready and not self._under_way:
            self._drained.set()
        if self._ready and now < self._quiet_until:
            self._pump_at(self._quiet_until)
        elif self._waiting:
            self._pump_at(self._waiting[0][0])

    def _pump_at(self, moment: float) -> None:
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        delay = max(0.0, moment - self._clock.monotonic())
        due = loop.time() + delay
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer, self._timer_due = loop.call_later(delay, self.pump), due

    # -- one request ---------------------------------------------------------------------------------------------

    def _begin(self, publication: _Publication, action: Publish, now: float) -> None:
        publication.sending = True
        self._under_way += 1
        request = self._request(publication, action)
        if isinstance(self._agent, Hop):
            # Ten thousand at ten o'clock: a task for each would cost as much as the server's part.
            self._agent.send(request, partial(self._ended, publication, action, now))
        else:
            self._spawn(self._ask(publication, action, request, now), f"publish {publication.entity}")

    async def _ask(
        self, publication: _Publication, action: Publish, request: Request, started: float
    ) -> None:
        """Over a network: there may be challenges and redirections on the way."""
        assert not isinstance(self._agent, Hop)
        outcome: Response | Exception = RuntimeError("an internal error, see the log")
        try:
            request, outcome = await request_authenticated(
                self._agent,
                request,
                self._client(publication.entity),
                next_hop=self._options.target if self._options.outbound_proxy is None else None,
            )
            publication.cseq = request.cseq.number
        except (RequestFailed, OSError, ValueError) as error:
            outcome = error
        finally:
            # Also after a defect, told by whoever runs this task; the lamp must not stay behind because of it.
            self._ended(publication, action, started, outcome)

    def _ended(
        self, publication: _Publication, action: Publish, started: float, outcome: Response | Exception
    ) -> None:
        status = 0
        now = self._clock.monotonic()
        if isinstance(outcome, Response):
            status = outcome.status
            self._quiet_after(outcome)
            publication.session.response(status, outcome.headers, now)
        else:
            publication.session.failed(str(outcome) or type(outcome).__name__, now)
        publication.sending = False
        self._under_way -= 1
        self._queue(publication)
        self._pump_at(now)
        self._on_outcome(action.kind, status, now - started)
        self._tell(publication)
        self._keep(publication)

    def _request(self, publication: _Publication, action: Publish) -> Request:
        publication.cseq += 1
        entity = publication.entity
        headers = [
            ("From", f"<{entity}>;tag={self._token()}"),
            ("To", f"<{entity}>"),
            ("Call-ID", publication.call_id),
            ("CSeq", f"{publication.cseq} PUBLISH"),
            ("Event", self._options.event),
            ("Expires", str(action.expires)),
            ("User-Agent", "Lamplighter"),
        ]
        if self._options.outbound_proxy is not None:
            headers.append(("Route", f"<{self._options.outbound_proxy};lr>"))
            if self._options.target is not None:
                headers.append(("Route", f"<{self._options.target};lr>"))
        if action.if_match is not None:
            headers.append(("SIP-If-Match", action.if_match))
        if action.body is not None:
            headers.append(("Content-Type", self._options.content_type))
        return Request("PUBLISH", entity, Headers(headers), action.body or b"")

    def _client(self, entity: str) -> DigestClient | None:
        credentials = self._options.credentials(entity)
        if credentials is None:
            return None
        # By user name: people of one account share its nonces.
        client = self._clients.get(credentials.username)
        if client is None or client.credentials != credentials:
            client = self._clients[credentials.username] = DigestClient(credentials, self._token)
        return client

    def _quiet_after(self, response: Response) -> None:
        wait = seconds_in(response.headers, "Retry-After") if response.status == 503 else None
        if wait is not None:
            self._quiet_until = self._clock.monotonic() + min(float(wait), LONGEST_RETRY_AFTER)

    def _keep(self, publication: _Publication) -> None:
        session = publication.session
        tag: StoredTag | None = None
        if session.entity_tag is not None and session.expires_at is not None:
            left = session.expires_at - self._clock.monotonic()
            tag = StoredTag(session.entity_tag, self._clock.wall() + left)
        known = publication.saved
        if (known and known.entity_tag) == (tag and tag.entity_tag):
            return
        self._tags.save(publication.entity, tag)
        publication.saved = tag

    def _tell(self, publication: _Publication) -> None:
        """The first failure and the recovery, once: a server that is down is one line and not ten thousand."""
        health = publication.session.health
        target = self._options.target or "the presence server"
        if health.state is State.STOPPED and publication.told is not State.STOPPED:
            log.error("%s is not published at %s: %s", publication.entity, target, health.reason)
        elif health.state is State.RETRYING and not self._trouble_is_told:
            self._trouble_is_told = True
            log.warning("publishing to %s fails, first for %s: %s", target, publication.entity, health.reason)
        elif health.state is State.PUBLISHED:
            if self._trouble_is_told:
                self._trouble_is_told = False
                log.warning("publishing to %s works again", target)
            elif publication.told is State.STOPPED:
                log.warning("%s is published at %s again", publication.entity, target)
        publication.told = health.state
