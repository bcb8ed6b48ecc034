"""The publisher against a presence server in memory that answers as scripted, and against the built-in one."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from itertools import count

import pytest

from agent.clock import SystemClock
from agent.net.errors import RequestFailed
from agent.net.memory import Hop
from agent.net.resolver import Resolver
from agent.net.user_agent import UserAgent
from agent.publisher.publisher import Options, Publisher, StoredTag
from agent.publisher.session import Kind, State
from agent.sip.digest import Credentials, make_ha1s
from agent.sip.digest_server import Authenticated, DigestServer, Rejected
from agent.sip.endpoint import Failure
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.supervise import Supervisor
from tests.support.clock import VirtualClock
from tests.support.running_server import running_server

ALICE = "sip:alice@example.org"
BODY = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:alice@example.org'/>"


class FakeServer:
    """RFC 3903 in a dictionary. ``mood(request)`` may answer first; a request waits while ``gate`` is closed."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.requests: list[Request] = []
        self.bodies: dict[str, bytes] = {}
        self.under_way = 0
        self.most_under_way = 0
        self.mood: list[Response | Failure] = []
        self.digest: DigestServer | None = None
        self._tags: dict[str, str] = {}
        self._numbers = count(1)

    async def request(self, request: Request, *, next_hop: str | None = None) -> Response:
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            return self._answer(request)
        finally:
            self.under_way -= 1

    def _answer(self, request: Request) -> Response:
        if self.mood:
            answer = self.mood.pop(0)
            if isinstance(answer, Failure):
                raise RequestFailed(answer)
            return answer
        if self.digest is not None and (refusal := self._challenge(self.digest, request)) is not None:
            return refusal
        tag = request.headers.get("SIP-If-Match")
        if tag is not None and self._tags.get(request.uri) != tag:
            return Response(412)
        expires = request.headers.get("Expires") or ""
        if expires == "0":
            self.bodies.pop(request.uri, None)
            self._tags.pop(request.uri, None)
            return Response(200, headers=Headers([("Expires", "0")]))
        if request.body:
            self.bodies[request.uri] = request.body
        new = self._tags[request.uri] = f"t{next(self._numbers)}"
        return Response(200, headers=Headers([("SIP-ETag", new), ("Expires", expires)]))

    def _challenge(self, digest: DigestServer, request: Request) -> Response | None:
        users = {"alice": make_ha1s("alice", digest.realm, "secret")}
        given = request.headers.get("Authorization")
        verdict: Authenticated | Rejected = Rejected("none given")
        if given is not None:
            verdict = digest.check(
                given, request.method, request.body, lambda user, name: users.get(user, {}).get(name), 0.0
            )
        if isinstance(verdict, Authenticated):
            return None
        values = digest.challenges(0.0, verdict.stale)
        return Response(401, headers=Headers([("WWW-Authenticate", value) for value in values]))


class Tags:
    """A TagStore in a dictionary."""

    def __init__(self, kept: Mapping[str, StoredTag] | None = None) -> None:
        self.kept = dict(kept or {})

    async def load(self) -> Mapping[str, StoredTag]:
        return dict(self.kept)

    def save(self, entity: str, tag: StoredTag | None) -> None:
        if tag is None:
            self.kept.pop(entity, None)
        else:
            self.kept[entity] = tag


class Scene:
    def __init__(self, supervisor: Supervisor) -> None:
        self.server = FakeServer()
        self.clock = VirtualClock()
        self.tags = Tags()
        self.outcomes: Counter[tuple[Kind, int]] = Counter()
        self._supervisor = supervisor
        self.publisher = self.new_publisher()

    def new_publisher(self, options: Options | None = None) -> Publisher:
        numbers = count(1)

        def note(kind: Kind, status: int, seconds: float) -> None:
            self.outcomes[kind, status] += 1

        self.publisher = Publisher(
            self.server,
            self.clock,
            self._supervisor.spawn,
            options or Options(),
            token=lambda: f"token{next(numbers)}",
            spread=lambda: 0.0,
            tags=self.tags,
            on_outcome=note,
        )
        return self.publisher

    async def settle(self) -> None:
        """Let everything that is due now happen."""
        for _ in range(1000):
            self.publisher.pump()
            before = len(self.server.requests)
            for _ in range(8):
                await asyncio.sleep(0)
            if len(self.server.requests) == before and not self._supervisor.names():
                return
            if not self.server.gate.is_set():
                return
        raise AssertionError("the publisher does not come to rest")

    async def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.settle()

    @property
    def last(self) -> Request:
        return self.server.requests[-1]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Supervisor() as supervisor:
        scene = Scene(supervisor)
        yield scene
        await scene.publisher.close(remove=False)


async def test_a_publication_its_refresh_its_change_and_its_end(scene: Scene) -> None:
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    first = scene.last
    assert (first.method, first.uri, first.body) == ("PUBLISH", ALICE, b"one")
    assert first.headers.get("Event") == "presence"
    assert first.headers.get("Content-Type") == "application/pidf+xml"
    assert first.headers.get("Expires") == "3600" and "SIP-If-Match" not in first.headers
    await scene.after(2880)
    assert scene.last.headers.get("SIP-If-Match") == "t1"
    assert scene.last.body == b"" and "Content-Type" not in scene.last.headers
    assert scene.last.call_id == first.call_id and scene.last.cseq.number == 2
    scene.publisher.publish(ALICE, b"two")
    await scene.settle()
    assert scene.last.headers.get("SIP-If-Match") == "t2" and scene.server.bodies == {ALICE: b"two"}
    scene.publisher.publish(ALICE, None)
    await scene.settle()
    assert scene.server.bodies == {} and scene.last.headers.get("Expires") == "0"
    assert scene.outcomes == {(kind, 200): 1 for kind in Kind}


async def test_requests_under_way_are_bounded_and_changes_meanwhile_coalesce(scene: Scene) -> None:
    scene.new_publisher(Options(at_a_time=3))
    scene.server.gate.clear()
    entities = [f"sip:p{number}@example.org" for number in range(20)]
    for body in (b"one", b"two", b"three"):
        for entity in entities:
            scene.publisher.publish(entity, body)
        await scene.settle()
    scene.server.gate.set()
    await scene.settle()
    assert scene.server.most_under_way == 3
    assert scene.server.bodies == dict.fromkeys(entities, b"three")
    assert len(scene.server.requests) == 20 + 3


async def test_10_000_presentities_need_no_task_each(scene: Scene) -> None:
    scene.new_publisher(Options(at_a_time=50))
    scene.server.gate.clear()
    for number in range(10_000):
        scene.publisher.publish(f"sip:p{number}@example.org", b"one")
    await scene.settle()
    assert len(scene.server.requests) == 50
    scene.server.gate.set()
    await scene.settle()
    assert len(scene.server.bodies) == 10_000 and scene.publisher.troubled() == {}
    await scene.after(2880)
    assert scene.outcomes[Kind.REFRESH, 200] == 10_000


async def test_a_503_silences_the_whole_target(scene: Scene) -> None:
    scene.server.mood = [Response(503, headers=Headers([("Retry-After", "60")]))]
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    scene.publisher.publish("sip:bob@example.org", b"one")
    await scene.after(59)
    assert len(scene.server.requests) == 1
    await scene.after(1)
    assert set(scene.server.bodies) == {ALICE, "sip:bob@example.org"}


async def test_a_dead_server_is_one_line_in_the_log_and_its_return_another(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.server.mood = [Failure.TIMEOUT] * 3
    with caplog.at_level(logging.WARNING, "lamplighter.publisher"):
        for name in ("a", "b", "c"):
            scene.publisher.publish(f"sip:{name}@example.org", b"one")
        await scene.settle()
        assert len(caplog.messages) == 1 and "no answer" in caplog.messages[0]
        assert {health.state for health in scene.publisher.troubled().values()} == {State.RETRYING}
        await scene.after(1)
        assert len(caplog.messages) == 2 and "works again" in caplog.messages[1]
    assert scene.publisher.troubled() == {}


async def test_a_defect_below_is_tried_again_like_any_failure(scene: Scene) -> None:
    working = scene.server.request

    async def broken(request: Request, *, next_hop: str | None = None) -> Response:
        scene.server.request = working  # type: ignore[method-assign]
        raise KeyError("defect")

    scene.server.request = broken  # type: ignore[method-assign]
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    assert scene.publisher.troubled()[ALICE].state is State.RETRYING
    await scene.after(1)
    assert scene.server.bodies == {ALICE: b"one"}


async def test_a_refusal_is_visible_with_what_to_do(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.server.mood = [Response(404)]
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    health = scene.publisher.health(ALICE)
    assert health is not None and health.state is State.STOPPED and "create the account" in health.reason
    assert "create the account" in caplog.text
    await scene.after(600)
    assert scene.server.bodies == {ALICE: b"one"}


async def test_a_restart_goes_on_with_the_stored_tag(scene: Scene) -> None:
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    await scene.publisher.close(remove=False)
    assert scene.tags.kept[ALICE].entity_tag == "t1"
    scene.clock.advance(100)
    await scene.new_publisher().start()
    scene.publisher.publish(ALICE, b"two")
    await scene.settle()
    assert scene.last.headers.get("SIP-If-Match") == "t1" and scene.server.bodies == {ALICE: b"two"}


async def test_a_restart_after_the_end_of_the_publication_starts_anew(scene: Scene) -> None:
    scene.tags = Tags({ALICE: StoredTag("old", scene.clock.wall() - 1)})
    await scene.new_publisher().start()
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    assert "SIP-If-Match" not in scene.last.headers


async def test_closing_removes_what_is_published(scene: Scene) -> None:
    for name in ("a", "b"):
        scene.publisher.publish(f"sip:{name}@example.org", b"one")
    await scene.settle()
    await scene.publisher.close(remove=True)
    assert scene.server.bodies == {} and scene.tags.kept == {}


async def test_closing_does_not_wait_for_a_dead_server(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    scene.server.gate.clear()
    await scene.publisher.close(remove=True, within=0.01)
    assert "not removed in time" in caplog.text


async def test_challenges_are_answered_and_the_nonce_used_again(scene: Scene) -> None:
    scene.server.digest = DigestServer("example.org", b"k" * 32, lambda: "00")
    scene.new_publisher(Options(credentials=lambda entity: Credentials("alice", "secret")))
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    scene.publisher.publish(ALICE, b"two")
    await scene.settle()
    assert scene.server.bodies == {ALICE: b"two"}
    assert [request.cseq.number for request in scene.server.requests] == [1, 2, 3]


async def test_a_wrong_password_is_not_tried_over_and_over(scene: Scene) -> None:
    scene.server.digest = DigestServer("example.org", b"k" * 32, lambda: "00")
    scene.new_publisher(Options(credentials=lambda entity: Credentials("alice", "wrong")))
    scene.publisher.publish(ALICE, b"one")
    await scene.after(60)
    assert len(scene.server.requests) == 2
    health = scene.publisher.health(ALICE)
    assert health is not None and "password refused" in health.reason and "wrong" not in health.reason


async def test_an_outbound_proxy_is_the_first_route(scene: Scene) -> None:
    scene.new_publisher(Options(target="sip:ps.example.org", outbound_proxy="sip:proxy.example.org"))
    scene.publisher.publish(ALICE, b"one")
    await scene.settle()
    routes = scene.last.headers.values("Route")
    assert routes == ["<sip:proxy.example.org;lr>", "<sip:ps.example.org;lr>"]


@pytest.mark.parametrize("transport", [None, Transport.UDP, Transport.TCP])
async def test_the_built_in_server_takes_it_in_process_and_over_the_wire(transport: Transport | None) -> None:
    clock = SystemClock()
    numbers = count(1)
    answered = asyncio.Event()
    async with running_server() as running, AsyncExitStack() as stack:
        if transport is None:
            agent = Hop(running.server.driver)
            stack.callback(agent.close)
            target = None
        else:
            agent = await stack.enter_async_context(UserAgent.open(clock, Resolver()))
            target = f"sip:{running.address(transport)};transport={transport.value}"
        publisher = Publisher(
            agent,
            clock,
            running.supervisor.spawn,
            Options(target=target),
            token=lambda: f"token{next(numbers)}",
            spread=lambda: 0.5,
            on_outcome=lambda kind, status, seconds: answered.set(),
        )
        async with asyncio.timeout(5):
            publisher.publish(ALICE, BODY)
            await answered.wait()
            assert len(running.store.publications(ALICE, "presence")) == 1
            await publisher.close(remove=True)
        assert running.store.publications(ALICE, "presence") == ()
