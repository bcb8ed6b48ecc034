"""The server over TCP, on real loopback sockets: framing, keep-alive, and which connection a NOTIFY takes."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from agent.net import tcp
from agent.server.config import ServerConfig
from agent.server.transports import Listen
from agent.sip.flows import Transport
from agent.sip.messages import Response
from tests.support.phone import document, shown, state
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import World, world

EVENT = "Event: presence"
TYPE = "Content-Type: application/pidf+xml"


@asynccontextmanager
async def served(config: ServerConfig | None = None) -> AsyncIterator[tuple[World, tuple[str, int]]]:
    """A world whose server also listens on a free TCP port."""
    async with world(config=config) as here:
        await here.server.transports.listen([Listen(Transport.TCP, "127.0.0.1", 0)])
        (address,) = [where for kind, where in here.server.transports.addresses() if kind is Transport.TCP]
        yield here, address


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[tuple[str, int], Callable[[], "asyncio.Future[Stream]"]]]:
    """A listening peer: its address, and what waits for the next connection to it."""
    arrived: asyncio.Queue[Stream] = asyncio.Queue()
    every: list[Stream] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        every.append(Stream(reader, writer))
        arrived.put_nowait(every[-1])

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname(), lambda: asyncio.ensure_future(arrived.get())
    finally:
        server.close()
        for stream in every:
            await stream.close()
        await server.wait_closed()


def publication(stream: Stream, note: str) -> bytes:
    return stream.compose("PUBLISH", EVENT, TYPE, "Expires: 3600", body=document(note))


def subscription(stream: Stream, contact: str = "<sip:bob@127.0.0.1:9;transport=tcp>") -> bytes:
    return stream.compose("SUBSCRIBE", EVENT, "Expires: 3600", f"Contact: {contact}")


async def close_and_settle(stream: Stream) -> None:
    await stream.close()
    await asyncio.sleep(tcp.HALF_CLOSED_FOR + 0.1)


async def all_closed(here: World) -> None:
    """The kernel tells of endings in its own time, which is not the virtual one."""
    for _ in range(50):
        await asyncio.sleep(tcp.HALF_CLOSED_FOR + 0.1)
        if here.server.driver.open_connections == 0:
            return
    raise AssertionError(f"still open: {here.server.driver.open_connections}")


@virtual_beside_threads
async def test_several_messages_in_one_segment_are_answered_in_order() -> None:
    async with served() as (_, address), await Stream.connect(address) as bob:
        requests = [bob.compose("OPTIONS", cseq=number) for number in range(1, 6)]
        bob.send(b"\r\n" + b"".join(requests))
        assert [(await bob.response()).cseq.number for _ in requests] == [1, 2, 3, 4, 5]


@virtual_beside_threads
async def test_one_message_in_many_segments() -> None:
    async with served() as (_, address), await Stream.connect(address) as bob:
        data = publication(bob, "In")
        for start in range(0, len(data), 37):
            bob.send(data[start : start + 37])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert (await bob.response()).status == 200


@virtual_beside_threads
async def test_a_ping_is_answered_with_a_pong_also_between_messages() -> None:
    async with served() as (_, address), await Stream.connect(address) as bob:
        bob.send(b"\r\n\r\n")
        assert await bob.raw(2) == b"\r\n"
        bob.send(bob.compose("OPTIONS") + b"\r\n\r\n")
        assert await bob.raw(2) == b"\r\n", "at once: before the answer, which is still being made"
        assert (await bob.response()).status == 200


@virtual_beside_threads
async def test_a_notify_takes_the_connection_that_carried_the_subscribe() -> None:
    async with served() as (here, address), await Stream.connect(address) as bob:
        bob.send(subscription(bob))
        answer = await bob.response()
        assert answer.status == 200
        contact = answer.headers.get("Contact") or ""
        assert contact == f"<sip:127.0.0.1:{address[1]};transport=tcp>"
        notify = await bob.notify()
        assert notify.uri == "sip:bob@127.0.0.1:9;transport=tcp"
        assert notify.via.transport == "TCP" and notify.headers.get("Contact") == contact
        await here.phone("alice").publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]
        assert await here.at_rest() == (0, 0, 0)


@virtual_beside_threads
async def test_when_the_connection_is_lost_the_contact_is_called() -> None:
    async with served() as (here, address), listening() as (own, next_connection):
        first = await Stream.connect(address)
        first.send(subscription(first, f"<sip:bob@127.0.0.1:{own[1]};transport=tcp>"))
        await first.response()
        await first.notify()
        await close_and_settle(first)
        alice = here.phone("alice")
        etag = (await alice.publish(document("In"), expires=3600)).headers.get("SIP-ETag")
        second = await next_connection()
        told = await second.notify()
        assert shown(told) == [("open", "In")] and told.cseq.number == 2
        await alice.publish(document("Out"), etag=etag)
        assert shown(await second.notify()) == [("open", "Out")]


@virtual_beside_threads
async def test_a_notify_that_was_under_way_when_the_connection_broke_comes_again() -> None:
    async with served() as (here, address), listening() as (own, next_connection):
        first = await Stream.connect(address)
        first.send(subscription(first, f"<sip:bob@127.0.0.1:{own[1]};transport=tcp>"))
        await first.response()
        await first.notify()
        await here.phone("alice").publish(document("In"), expires=3600)
        await first.notify(status=None)
        await close_and_settle(first)
        assert shown(await (await next_connection()).notify()) == [("open", "In")]
        assert len(here.store.all_subscriptions()) == 1


@virtual_beside_threads
async def test_lost_and_nowhere_to_be_found_the_subscription_ends() -> None:
    async with served() as (here, address):
        bob = await Stream.connect(address)
        bob.send(subscription(bob))
        await bob.response()
        await bob.notify()
        await close_and_settle(bob)
        assert len(here.store.all_subscriptions()) == 1, "nothing to say yet: it may come back"
        await here.phone("alice").publish(document("In"), expires=3600)
        await asyncio.sleep(2)
        assert not here.store.all_subscriptions()
        assert await here.at_rest() == (0, 0, 0)


@virtual_beside_threads
async def test_a_refresh_over_a_new_connection_moves_the_notifies_there() -> None:
    async with served() as (here, address):
        first = await Stream.connect(address)
        first.send(
            first.compose("SUBSCRIBE", EVENT, "Contact: <sip:bob@127.0.0.1:9;transport=tcp>", call_id="m")
        )
        answer = await first.response()
        await first.notify()
        async with await Stream.connect(address) as second:
            data = first.compose(
                "SUBSCRIBE", EVENT, "Contact: <sip:bob@127.0.0.1:9;transport=tcp>",
                call_id="m", cseq=2, to_tag=answer.to.tag or "",
            )  # fmt: skip
            second.send(data)
            assert (await second.response()).status == 200
            await second.notify()
            await here.phone("alice").publish(document("In"))
            assert shown(await second.notify()) == [("open", "In")]
            await close_and_settle(first)
            assert len(here.store.all_subscriptions()) == 1


@virtual_beside_threads
async def test_a_refresh_over_a_new_connection_does_not_wait_for_one_that_died_in_silence() -> None:
    """As a NAT leaves it that has forgotten a connection: nobody answers, and nobody says that it is gone."""
    contact = "Contact: <sip:bob@127.0.0.1:9;transport=tcp>"
    async with served() as (here, address), await Stream.connect(address) as silent:
        silent.send(silent.compose("SUBSCRIBE", EVENT, contact, call_id="m"))
        answer = await silent.response()
        await silent.notify()
        await here.phone("alice").publish(document("In"), expires=3600)
        await silent.notify(status=None)
        async with await Stream.connect(address) as second:
            second.send(
                silent.compose("SUBSCRIBE", EVENT, contact, call_id="m", cseq=2, to_tag=answer.to.tag or "")
            )
            assert (await second.response()).status == 200
            assert shown(await second.notify()) == [("open", "In")]
            await asyncio.sleep(60)
            assert len(here.store.all_subscriptions()) == 1, "what nobody answered decides nothing any more"
            await here.phone("bob").publish(document("Out"), uri="sip:alice@example.org", expires=3600)
            await second.notify()


@virtual_beside_threads
async def test_behind_a_tcp_proxy_the_route_counts_and_not_the_connection() -> None:
    async with (
        served() as (_, address),
        listening() as (own, next_connection),
        await Stream.connect(address) as edge,
    ):
        route = f"<sip:127.0.0.1:{own[1]};transport=tcp;lr>"
        contact = "Contact: <sip:bob@10.9.9.9:5062>"
        edge.send(edge.compose("SUBSCRIBE", EVENT, contact, f"Record-Route: {route}"))
        assert (await edge.response()).headers.get("Record-Route") == route
        notify = await (await next_connection()).notify()
        assert notify.uri == "sip:bob@10.9.9.9:5062" and notify.headers.get("Route") == route


@virtual_beside_threads
async def test_unsubscribing_and_fetching_over_tcp() -> None:
    async with served() as (here, address), await Stream.connect(address) as bob:
        line = "Contact: <sip:bob@127.0.0.1:9;transport=tcp>"
        bob.send(bob.compose("SUBSCRIBE", EVENT, "Expires: 0", line))
        assert (await bob.response()).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"
        bob.send(bob.compose("SUBSCRIBE", EVENT, line, call_id="u"))
        answer = await bob.response()
        await bob.notify()
        tag = answer.to.tag or ""
        bob.send(bob.compose("SUBSCRIBE", EVENT, "Expires: 0", line, call_id="u", cseq=2, to_tag=tag))
        assert (await bob.response()).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"
        assert not here.store.all_subscriptions()


@virtual_beside_threads
async def test_without_content_length_it_is_400_and_the_end() -> None:
    async with served() as (here, address):
        async with await Stream.connect(address) as bob:
            bob.send(
                bob.compose("OPTIONS") + bob.compose("PUBLISH", EVENT, TYPE, body=document(), length=False)
            )
            assert {(await bob.response()).status, (await bob.response()).status} == {200, 400}
            assert await bob.ended() == b""
        async with await Stream.connect(address) as bob:
            bob.send(bob.compose("OPTIONS"))
            assert (await bob.response()).status == 200
        assert not here.store.publications("sip:alice@example.org", "presence")


@pytest.mark.parametrize(
    "length", ["-1", "x", "99999999999999999999", "3\r\nContent-Length: 4", "70000", "4 4", "0x4"]
)
@virtual_beside_threads
async def test_a_length_that_is_none_ends_the_connection(length: str) -> None:
    async with served() as (_, address), await Stream.connect(address) as bob:
        bob.send(bob.compose("OPTIONS", f"Content-Length: {length}", length=False) + b"abcd")
        answer = await bob.response()
        assert isinstance(answer, Response) and answer.status in (400, 513)
        assert await bob.ended() == b""


@virtual_beside_threads
async def test_a_head_without_end_is_not_read_for_ever() -> None:
    async with served() as (_, address), await Stream.connect(address) as bob:
        head = bob.compose("OPTIONS", length=False)[:-2]
        bob.send(head + b"X-A: b\r\n" * 8_200)
        assert (await bob.ended()).startswith(b"SIP/2.0 513")


@virtual_beside_threads
async def test_noise_ends_the_connection_and_harms_nobody() -> None:
    async with served() as (here, address), await Stream.connect(address) as good:
        for noise in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            bytes(range(256)) * 300,
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        ):
            async with await Stream.connect(address) as bad:
                bad.send(noise)
                await bad.ended()
        good.send(good.compose("OPTIONS"))
        assert (await good.response()).status == 200
        assert here.server.driver.open_connections == 1


@virtual_beside_threads
async def test_a_peer_that_stops_in_the_middle_is_cut_off_and_a_silent_one_is_not() -> None:
    async with served() as (here, address), await Stream.connect(address) as silent:
        async with await Stream.connect(address) as half:
            half.send(half.compose("OPTIONS")[:50])
            await asyncio.sleep(31)
            assert here.server.driver.open_connections == 2
            await half.ended(within=3)
        silent.send(silent.compose("OPTIONS"))
        assert (await silent.response()).status == 200


@virtual_beside_threads
async def test_a_peer_that_goes_on_slowly_is_heard() -> None:
    async with served() as (_, address), await Stream.connect(address) as slow:
        data = slow.compose("OPTIONS")
        for start in range(0, len(data), 100):
            slow.send(data[start : start + 100])
            await asyncio.sleep(2)
        assert (await slow.response()).status == 200


@virtual_beside_threads
async def test_half_a_message_and_a_hang_up() -> None:
    async with served() as (here, address):
        async with await Stream.connect(address) as half:
            half.send(publication(half, "In")[:-20])
        await all_closed(here)
        assert not here.store.publications("sip:alice@example.org", "presence")


def test_a_peer_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "WRITE_LIMIT", 100_000)

    @virtual_beside_threads
    async def run() -> None:
        async with served() as (here, address), await Stream.connect(address) as deaf:
            request = deaf.compose("OPTIONS")
            for number in range(300):
                if here.server.driver.open_connections == 0:
                    break
                burst = (
                    request.replace(b"branch=z9hG4bK", b"branch=z9hG4bK%dx%d" % (number, n))
                    for n in range(200)
                )
                deaf.send(
                    b"".join(part.replace(b"@", b"%dx%d@" % (number, n), 3) for n, part in enumerate(burst))
                )
                await asyncio.sleep(0.01)
            assert here.server.driver.open_connections == 0
            assert await here.at_rest() == (0, 0, 0)

    run()


@virtual_beside_threads
async def test_there_is_a_limit_to_connections() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}), max_connections=2)
    async with served(config) as (_, address):
        first, second, third = [await Stream.connect(address) for _ in range(3)]
        assert await third.ended() == b""
        await close_and_settle(first)
        fourth = await Stream.connect(address)
        for stream in (second, fourth):
            stream.send(stream.compose("OPTIONS"))
            assert (await stream.response()).status == 200
        for stream in (second, third, fourth):
            await stream.close()


@virtual_beside_threads
async def test_answers_over_tcp_leave_no_transaction_behind() -> None:
    async with served() as (here, address), await Stream.connect(address) as bob:
        for _ in range(20):
            bob.send(publication(bob, "In"))
            await bob.response()
        assert here.server.driver.endpoint.open_transactions == (0, 0)


@virtual_beside_threads
async def test_a_peer_that_has_ended_its_side_still_gets_its_answer() -> None:
    async with served() as (here, address), await Stream.connect(address) as shell:
        shell.send(publication(shell, "In"))
        shell.no_more()
        assert (await shell.response()).status == 200
        assert await shell.ended() == b""
        assert here.server.driver.open_connections == 0


@virtual_beside_threads
async def test_a_contact_that_hangs_up_again_and_again_is_not_called_for_ever() -> None:
    calls = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        try:
            await reader.readline()
        finally:
            writer.close()

    elsewhere = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]
    async with served() as (here, _):
        bob = here.phone("bob")
        await bob.subscribe(contact=f"<sip:bob@127.0.0.1:{port};transport=tcp>")
        await asyncio.sleep(60)
        assert 1 <= calls <= 3
        assert not here.store.all_subscriptions()
        assert await here.at_rest() == (0, 0, 0)
    elsewhere.close()
    await elsewhere.wait_closed()


@virtual_beside_threads
async def test_watchers_behind_one_contact_share_one_connection() -> None:
    async with served() as (here, _), listening() as (own, next_connection):
        watchers = [here.phone(f"w{number}") for number in range(5)]
        for watcher in watchers:
            watcher.send(
                watcher.compose(
                    "SUBSCRIBE", EVENT, f"Contact: <sip:{watcher.user}@127.0.0.1:{own[1]};transport=tcp>"
                )
            )
        stream = await next_connection()
        told = {(await stream.notify()).uri for _ in watchers}
        assert len(told) == 5
        await here.phone("alice").publish(document("In"))
        assert [shown(await stream.notify()) for _ in watchers] == [[("open", "In")]] * 5
        assert here.server.driver.open_connections == 1


HOLD = """
import resource, socket, sys
host, port, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [socket.create_connection((host, port)) for _ in range(many)]
print("held", flush=True)
sys.stdin.read()
"""
"A process that opens connections and keeps them: one process may not have both ends."


@virtual_beside_threads
async def test_ten_thousand_idle_connections_are_kept_and_harm_nobody() -> None:
    many = 10_000
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    try:
        async with served() as (here, (host, port)):
            with subprocess.Popen(  # noqa: ASYNC220 - it starts once, and is waited for as a peer
                [sys.executable, "-c", HOLD, host, str(port), str(many)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            ) as holder:
                while here.server.driver.open_connections < many:
                    assert holder.poll() is None
                    await asyncio.sleep(0)
                async with await Stream.connect((host, port)) as bob:
                    await asyncio.sleep(3600)
                    bob.send(bob.compose("OPTIONS"))
                    assert (await bob.response()).status == 200
                    assert here.server.driver.open_connections == many + 1
                assert holder.stdin is not None
                holder.stdin.close()
            await all_closed(here)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
