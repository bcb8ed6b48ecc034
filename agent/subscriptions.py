"""Subscriptions that connectors have at others' servers: satisfies `connectors.sip.Sip`.

Each is the pure `agent.sip.subscriber.Subscriber` with a task that does what it says. Sockets are shared: one user
agent for each of our own addresses, so that a server is told an address which it can reach.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_address

from agent.clock import Clock
from agent.net.authentication import request_authenticated
from agent.net.errors import RequestFailed
from agent.net.local_address import local_address_for
from agent.net.resolver import Resolver
from agent.net.transcript import Transcript
from agent.net.user_agent import UserAgent
from agent.notices import NoticeReader
from agent.sip.digest import Credentials, DigestClient
from agent.sip.flows import Flow, format_host
from agent.sip.messages import Request, Response, response_to
from agent.sip.notification import Notification
from agent.sip.routing import parse_target
from agent.sip.subscriber import Ended, Phase, Subscribe, Subscriber
from agent.sip.subscriber import Wanted as WantedState
from agent.supervise import Supervisor
from connectors.addresses import AllowList
from connectors.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    Misconfigured,
    NotFound,
    Refused,
    Unreachable,
)
from connectors.sip import Notice, Wanted

log = logging.getLogger(__name__)

LEAVE_WITHIN = 2.0
"Seconds that servers get to confirm the end of our subscriptions when the service stops."


LOOK_AFTER = 15.0
"Seconds between looks at whether the connection still stands by which a server tells us."


class Subscriptions:
    """Open until `close`."""

    def __init__(
        self,
        clock: Clock,
        supervisor: Supervisor,
        *,
        token: Callable[[], str],
        spread: Callable[[], float],
        allow: AllowList,
        tls: ssl.SSLContext | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        self._clock, self._supervisor = clock, supervisor
        self._token, self._spread = token, spread
        self._allow = allow
        self._tls, self._transcript = tls, transcript
        self._resolver = Resolver()
        self._sockets = AsyncExitStack()
        self._agents: dict[str, UserAgent] = {}
        self._opening = asyncio.Lock()
        self._kept: set[_Kept] = set()
        self._by_call: dict[str, _Kept] = {}

    def subscribe(
        self, wanted: Wanted, told: Callable[[Notice], None], lost: Callable[[ConnectorError], None]
    ) -> "_Kept":
        kept = _Kept(wanted, told, lost, self._clock.monotonic)
        self._kept.add(kept)
        kept.task = self._supervisor.spawn(self._keep(kept), f"subscription to {wanted.uri}")
        return kept

    async def close(self) -> None:
        """Unsubscribe everywhere, as far as the servers answer in time."""
        tasks = [kept.task for kept in self._kept if kept.task is not None]
        for kept in tuple(self._kept):
            kept.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_WITHIN)
        for task in tasks:
            task.cancel()
        await self._sockets.aclose()

    # -- one subscription ----------------------------------------------------------------------------------------

    async def _keep(self, kept: "_Kept") -> None:
        try:
            error = await self._follow(kept)
        finally:
            self._kept.discard(kept)
            self._known_by(kept, None)
        if error is not None and not kept.stopping:
            kept.lost(error)

    async def _follow(self, kept: "_Kept") -> ConnectorError | None:
        """Until it is lost; says why. None: it was ended as asked."""
        wanted = kept.wanted
        next_hop = wanted.server or wanted.uri
        try:
            await self._check(next_hop)
            agent = await self._agent_for(next_hop)
            contact = await agent.contact_towards(next_hop)
        except Refused as error:
            return error
        except ValueError as error:
            return Misconfigured(f"{next_hop} is no SIP address ({error})")
        except OSError as error:
            return Unreachable(f"{next_hop} cannot be reached ({error})")
        subscriber = Subscriber(
            WantedState(
                wanted.uri,
                f"<{_watcher(wanted)}>",
                contact,
                wanted.event,
                wanted.accept,
                wanted.expires,
            ),
            self._token,
            self._spread,
            self._clock.monotonic(),
        )
        kept.subscriber = subscriber
        if kept.stopping:
            subscriber.stop()
        digest = None
        if wanted.user is not None and wanted.password is not None:
            digest = DigestClient(Credentials(wanted.user, wanted.password), self._token)
        while True:
            await self._renew_contact(subscriber, agent, next_hop)
            now = self._clock.monotonic()
            action = subscriber.next_action(now)
            self._known_by(kept, subscriber.call_id)
            if isinstance(action, Ended):
                return None if not action.refused and kept.stopping else _refusal(action, wanted)
            if isinstance(action, Subscribe):
                await self._send(subscriber, action, agent, digest, action.next_hop or wanted.server)
            elif subscriber.phase is Phase.UNSENT and subscriber.trouble:
                # The runner waits, tells, and asks again: one place knows how long everybody has been lost.
                wait = None if action.until is None else action.until - now
                return Unreachable(subscriber.trouble, retry_after=wait)
            else:
                await self._wait(kept, action.until)

    async def _renew_contact(self, subscriber: Subscriber, agent: UserAgent, next_hop: str) -> None:
        """After a connection that was the only way to us has been lost, the server is told of the new one."""
        if "transport=tls" not in subscriber.wanted.contact:
            return
        try:
            contact = await agent.contact_towards(next_hop)
        except OSError:
            return  # sending will fail too, and tell
        if contact != subscriber.wanted.contact:
            subscriber.wanted = replace(subscriber.wanted, contact=contact)
            subscriber.refetch(self._clock.monotonic())

    async def _wait(self, kept: "_Kept", until: float | None) -> None:
        kept.changed.clear()
        delay = LOOK_AFTER if until is None else min(until - self._clock.monotonic(), LOOK_AFTER)
        try:
            async with asyncio.timeout(delay):
                await kept.changed.wait()
        except TimeoutError:
            return

    async def _send(
        self,
        subscriber: Subscriber,
        action: Subscribe,
        agent: UserAgent,
        digest: DigestClient | None,
        next_hop: str | None,
    ) -> None:
        try:
            request, response = await request_authenticated(agent, action.request, digest, next_hop=next_hop)
        except (RequestFailed, OSError, ValueError) as error:
            subscriber.failed(action.request, str(error), self._clock.monotonic())
        else:
            subscriber.response(request, response, self._clock.monotonic())

    # -- sockets -------------------------------------------------------------------------------------------------

    async def _check(self, next_hop: str) -> None:
        """Links hold addresses that people write: one must not lead where the administrator has not allowed it.

        Raises `Refused`, and what resolving raises.
        """
        target = parse_target(next_hop)
        for found in await self._resolver.resolve(target):
            if not self._allow.reaches(target.host, ip_address(found.host.partition("%")[0])):
                raise Refused(f"{target.host} is on a private network ({found.host})")

    async def _agent_for(self, next_hop: str) -> UserAgent:
        """Raises ValueError for what is no SIP URI, OSError for what is not found."""
        first = (await self._resolver.resolve(parse_target(next_hop)))[0]
        own = local_address_for(first.host, first.port)
        async with self._opening:
            if own not in self._agents:
                agent = await self._sockets.enter_async_context(
                    UserAgent.open(
                        self._clock,
                        self._resolver,
                        bind=own,
                        listen_tcp=True,
                        tls=self._tls,
                        transcript=self._transcript,
                    )
                )
                agent.on_request(self._on_request)
                self._agents[own] = agent
        return self._agents[own]

    def _on_request(self, request: Request, flow: Flow) -> Response | None:
        """None: not ours. A NOTIFY is then answered 481, which makes a server stop sending (RFC 6665 §4.1.3)."""
        if request.method != "NOTIFY":
            return None
        kept = self._by_call.get(request.call_id)
        if kept is None or kept.subscriber is None:
            return None
        status, notification = kept.subscriber.notify(request, self._clock.monotonic())
        if notification is not None:
            self._tell(kept, request, notification)
        kept.changed.set()
        return response_to(request.headers, status)

    def _known_by(self, kept: "_Kept", call_id: str | None) -> None:
        """Each new subscription has a Call-ID of its own."""
        if call_id != kept.call_id:
            self._by_call.pop(kept.call_id or "", None)
            kept.call_id = call_id
            if call_id is not None:
                self._by_call[call_id] = kept

    def _tell(self, kept: "_Kept", request: Request, notification: Notification) -> None:
        # `pending` tells nothing yet (RFC 3856 §6.5), and what a server says in farewell is not known to last.
        if notification.state != "active" or kept.stopping:
            return
        notice = kept.reader.read(notification, request, self._clock.now())
        if notice.problem is not None and notice.problem != kept.problem:
            log.warning("%s, event %s: %s", kept.wanted.uri, kept.wanted.event, notice.problem)
        kept.problem = notice.problem
        if kept.reader.wants_full:
            kept.refresh()
        kept.told(notice)


class _Kept:
    """Satisfies `connectors.sip.Subscription`."""

    def __init__(
        self,
        wanted: Wanted,
        told: Callable[[Notice], None],
        lost: Callable[[ConnectorError], None],
        now: Callable[[], float],
    ) -> None:
        self.wanted, self.told, self.lost = wanted, told, lost
        self.reader = NoticeReader(wanted.event, wanted.one_dialog_each)
        self.problem: str | None = None
        "The last that was told, once."
        self._now = now
        self.subscriber: Subscriber | None = None
        self.call_id: str | None = None
        self.changed = asyncio.Event()
        self.stopping = False
        self.task: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        if self.subscriber is not None:
            self.subscriber.refetch(self._now())
            self.changed.set()

    def stop(self) -> None:
        self.stopping = True
        if self.subscriber is not None:
            self.subscriber.stop()
        self.changed.set()


def _watcher(wanted: Wanted) -> str:
    return wanted.from_ or f"sip:{wanted.user or 'lamplighter'}@{format_host(parse_target(wanted.uri).host)}"


def _refusal(ended: Ended, wanted: Wanted) -> ConnectorError:
    """What the end means for those who can do something about it."""
    status, who = ended.status, f"subscribing to the {wanted.event} of {wanted.uri} failed: {ended.reason}"
    if status in (401, 407):
        return AuthFailed(who, advice="Check the user name and the password that the SIP server knows.")
    if status == 403:
        return Forbidden(who, advice="Allow this watcher to subscribe at the SIP server.")
    if status in (404, 604):
        return NotFound(
            who, advice="Check the extension; in Asterisk it needs a hint in the subscribe_context."
        )
    if status in (405, 406, 415, 489, 501):
        return Misconfigured(who, advice="The server does not offer this event package to us.")
    if status is None and ended.refused:
        return Forbidden(who, advice="The server wants no subscription of ours to this address.")
    return Unreachable(who)
