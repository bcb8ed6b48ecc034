"""`lamplighter watch` against the built-in server and against servers that behave as scripted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from agent.cli.publish import document
from agent.cli.sip_client import open_client
from agent.cli.watch import Watcher, WatchOptions
from agent.clock import SystemClock
from agent.errors import UserError
from agent.net.memory import Hop
from agent.net.resolver import Resolver
from agent.net.tcp import StreamConnection
from agent.net.user_agent import UserAgent
from agent.publisher.publisher import Options, Publisher
from agent.sip.digest import Credentials, make_ha1s
from agent.sip.digest_server import Authenticated, DigestServer
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request
from tests.support.running_server import RunningServer, running_server
from tests.support.scripted_server import Answer, scripted_server

ALICE = "sip:alice@example.org"
CLOCK = SystemClock()


async def watched(
    next_hop: str,
    options: WatchOptions,
    *uris: str,
    credentials: Credentials | None = None,
    within: float = 20.0,
) -> int:
    """Watch until it ends by itself; the exit code."""
    async with asyncio.timeout(within), open_client(CLOCK, next_hop, credentials, raw=False) as client:
        return await Watcher(client, CLOCK, options, uris or (ALICE,)).run()


@asynccontextmanager
async def publisher_at(running: RunningServer) -> AsyncIterator[Publisher]:
    agent = Hop(running.server.driver)
    numbers = iter(range(1000))
    yield Publisher(
        agent,
        CLOCK,
        running.supervisor.spawn,
        Options(),
        token=lambda: f"p{next(numbers)}",
        spread=lambda: 0.5,
    )
    agent.close()


def next_hop(running: RunningServer, transport: Transport) -> str:
    return f"sip:{running.address(transport)};transport={transport.value}"


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_each_change_is_told_in_order(transport: Transport, capsys: pytest.CaptureFixture[str]) -> None:
    states = ("meeting", "on-the-phone", "away")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(running_server())
        publisher = await stack.enter_async_context(publisher_at(running))
        opening = open_client(CLOCK, next_hop(running, transport), None, raw=False)
        async with opening as client:
            watcher = Watcher(client, CLOCK, WatchOptions(as_json=True), [ALICE])
            run = asyncio.ensure_future(watcher.run())
            told: list[dict[str, object]] = []

            async def until(count: int) -> None:
                async with asyncio.timeout(10):
                    while len(told) < count:
                        await asyncio.sleep(0)
                        told.extend(json.loads(line) for line in capsys.readouterr().out.splitlines())

            await until(1)
            for number, state in enumerate(states):
                publisher.publish(ALICE, document(ALICE, "closed", (state,), "a note", CLOCK.now()))
                await until(2 + number)
            watcher.stop()
            assert await run == 0
    assert [each["activities"] for each in told] == [[], ["meeting"], ["on-the-phone"], ["away"]]
    assert told[-1]["uri"] == ALICE and told[-1]["state"] == "closed" and told[-1]["notes"] == ["a note"]
    assert str(told[-1]["received_at"]).endswith("Z") and told[-1]["subscription"] == "active"


async def test_once_asks_once_and_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    async with running_server() as running:
        code = await watched(
            next_hop(running, Transport.UDP), WatchOptions(expires=0), ALICE, "sip:bob@example.org"
        )
        assert list(running.store.all_subscriptions()) == []
    lines = capsys.readouterr().out.splitlines()
    assert code == 0 and len(lines) == 2
    assert {line.split()[1] for line in lines} == {ALICE, "sip:bob@example.org"}


async def test_a_count_ends_it() -> None:
    async with running_server() as running:
        assert await watched(next_hop(running, Transport.TCP), WatchOptions(count=1)) == 0


@pytest.mark.parametrize(
    ("status", "advice"), [(403, "not allowed"), (404, "spelling"), (489, "--event"), (503, "later")]
)
async def test_a_refusal_is_exit_code_4_with_advice(
    status: int, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with scripted_server(lambda request: (status, [])) as server:
        assert await watched(f"sip:{server.address}", WatchOptions()) == 4
    told = capsys.readouterr().err
    assert str(status) in told and advice in told


async def test_a_server_that_is_not_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted_server(lambda request: (200, [])) as server:
        address = server.address
    for transport in ("udp", "tcp"):
        assert await watched(f"sip:{address};transport={transport}", WatchOptions()) == 3
        assert "--server" in capsys.readouterr().err


async def test_a_name_without_address_is_exit_code_3() -> None:
    with pytest.raises(UserError, match="can't be found") as told:
        await watched("sip:nowhere.invalid;transport=tls", WatchOptions())
    assert told.value.exit_code == 3


async def test_leaving_does_not_wait_for_a_server_that_says_nothing() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Silent(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
            asked.set()

    transport, _ = await loop.create_datagram_endpoint(Silent, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    async with asyncio.timeout(10), open_client(CLOCK, f"sip:{host}:{port}", None, raw=False) as client:
        watcher = Watcher(client, CLOCK, WatchOptions(), [ALICE])
        run = asyncio.ensure_future(watcher.run())
        await asked.wait()
        watcher.stop()
        watcher.stop()
        assert await run == 0
    transport.close()


async def test_a_challenge_is_answered_with_the_password() -> None:
    digest = DigestServer("example.org", b"k" * 32, lambda: "00")
    hashes = make_ha1s("bob", "example.org", "secret")

    def answer(request: Request) -> Answer:
        given = request.headers.get("Authorization")
        if given is not None:
            verdict = digest.check(
                given, request.method, request.body, lambda user, name: hashes.get(name), 0.0
            )
            if isinstance(verdict, Authenticated):
                return 403, []  # got through; what comes then is another test's
        return 401, [("WWW-Authenticate", value) for value in digest.challenges(0.0)]

    async with scripted_server(answer) as server:
        uri = f"sip:{server.address}"
        assert await watched(uri, WatchOptions(), credentials=Credentials("bob", "secret")) == 4
        assert [request.cseq.number for request in server.requests] == [1, 2]
        assert server.requests[0].call_id == server.requests[1].call_id
        server.requests.clear()
        assert await watched(uri, WatchOptions(), credentials=Credentials("bob", "wrong")) == 4
        assert len(server.requests) == 2


async def test_bodies_of_any_kind_are_told_and_broken_ones_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A NOTIFY sent by hand, before the watcher can have seen the answer to its SUBSCRIBE."""
    bodies = [("text/plain", b"hello"), ("application/pidf+xml", b"<presence"), ("", b"")]
    async with (
        scripted_server(lambda request: (200, [("Expires", "60")])) as server,
        UserAgent.open(CLOCK, Resolver()) as notifier,
        open_client(CLOCK, f"sip:{server.address}", None, raw=False) as client,
    ):
        watcher = Watcher(client, CLOCK, WatchOptions(count=len(bodies)), [ALICE])
        run = asyncio.ensure_future(watcher.run())
        async with asyncio.timeout(10):
            while not server.requests:
                await asyncio.sleep(0)
            subscribe = server.requests[0]
            for number, (content_type, body) in enumerate(bodies, 1):
                response = await notifier.request(notify(subscribe, number, content_type, body))
                assert response.status == 200
            stray = notify(subscribe, 9, "", b"")
            stray.headers.set("Call-ID", "unknown")
            assert (await notifier.request(stray)).status == 481
            watcher.stop()
            run.cancel()
    out = capsys.readouterr().out
    assert "text/plain" in out and "hello" in out
    assert "a broken document" in out and "no document" in out


def notify(subscribe: Request, number: int, content_type: str, body: bytes) -> Request:
    contact = (subscribe.headers.get("Contact") or "").strip("<>")
    headers = [
        ("From", f"{subscribe.headers.get('To')};tag=scripted"),
        ("To", subscribe.headers.get("From") or ""),
        ("Call-ID", subscribe.call_id),
        ("CSeq", f"{number} NOTIFY"),
        ("Contact", "<sip:ps@127.0.0.1:9>"),
        ("Event", "presence"),
        ("Subscription-State", "active;expires=60"),
    ]
    if content_type:
        headers.append(("Content-Type", content_type))
    return Request("NOTIFY", contact, Headers(headers), body)


# -- the real program -------------------------------------------------------------------------------------------------


async def test_the_program_prints_until_interrupted_and_unsubscribes() -> None:
    async with running_server() as running:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "watch", "alice@example.org", "--raw"),
            *("--server", running.address(Transport.TCP), "--transport", "tcp"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None and process.stderr is not None
            async with asyncio.timeout(30):
                line = await process.stdout.readline()
                process.send_signal(signal.SIGINT)
                _, wire = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert b"sip:alice@example.org  closed" in line
    assert process.returncode == 0
    assert b"SUBSCRIBE sip:alice@example.org SIP/2.0" in wire and b"Expires: 0" in wire
    assert b"Traceback" not in wire


async def test_when_the_connection_is_lost_it_is_renewed_over_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """RFC 5626 §4.4: not when the next refresh would be due, an hour later."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(running_server())
        publisher = await stack.enter_async_context(publisher_at(running))
        opening = open_client(CLOCK, next_hop(running, Transport.TCP), None, raw=False)
        async with opening as client:
            watcher = Watcher(client, CLOCK, WatchOptions(as_json=True), [ALICE])
            run = asyncio.ensure_future(watcher.run())
            told: list[dict[str, object]] = []

            async def until(count: int) -> None:
                async with asyncio.timeout(10):
                    while len(told) < count:
                        await asyncio.sleep(0)
                        told.extend(json.loads(line) for line in capsys.readouterr().out.splitlines())

            await until(1)
            for sender in list(running.server.driver._connections.values()):
                if isinstance(sender, StreamConnection):
                    sender.close()
            await until(2)
            publisher.publish(ALICE, document(ALICE, "closed", ("meeting",), "a note", CLOCK.now()))
            await until(3)
            assert len(list(running.store.all_subscriptions())) == 1
            watcher.stop()
            assert await run == 0
    assert told[-1]["activities"] == ["meeting"]
