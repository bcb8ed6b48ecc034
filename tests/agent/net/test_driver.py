"""The asyncio shell of an endpoint: events drained, bytes sent, one timer armed; one handler's fault is its own."""

import asyncio

import pytest

from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.sip.endpoint import Endpoint, Failure, RequestReceived
from agent.sip.headers import Headers
from agent.sip.messages import Request, response_to
from tests.support.virtual_loop import LoopClock, virtual
from tests.support.wire import Wire, WirePort

A, B = ("192.0.2.1", 5060), ("192.0.2.2", 5060)


def new_driver(name: str) -> Driver:
    return Driver(Endpoint(lambda: name, name.encode()), LoopClock(asyncio.get_running_loop()))


def options(call: str = "c") -> Request:
    headers = [("From", "<sip:a@b>;tag=1"), ("To", "<sip:b@c>"), ("Call-ID", call), ("CSeq", "1 OPTIONS")]
    return Request("OPTIONS", "sip:b@c", Headers(headers))


def answering(driver: Driver, status: int = 200) -> list[Request]:
    seen: list[Request] = []

    def answer(event: RequestReceived) -> None:
        seen.append(event.request)
        driver.respond(event.transaction, response_to(event.request.headers, status))

    driver.on_request = answer
    return seen


@virtual
async def test_a_request_survives_losses_and_is_handled_once() -> None:
    wire = Wire(3, loss=0.4)
    client, server = new_driver("client"), new_driver("server")
    port = WirePort(client, wire, A)
    WirePort(server, wire, B)
    seen = answering(server)
    answers = await asyncio.gather(*(client.request(options(f"c{n}"), port.flow_to(B)) for n in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert sorted(request.call_id for request in seen) == sorted(f"c{n}" for n in range(30))
    await asyncio.sleep(40)
    assert client.endpoint.open_transactions == server.endpoint.open_transactions == (0, 0)


@virtual
async def test_silence_and_unreachability_are_told_apart() -> None:
    wire = Wire()
    client = new_driver("client")
    loop = asyncio.get_running_loop()
    for icmp, cause, after in ((False, Failure.TIMEOUT, 32.0), (True, Failure.TRANSPORT, 0.0)):
        port = WirePort(client, wire, ("192.0.2.9", 5060 + icmp), icmp=icmp)
        start = loop.time()
        with pytest.raises(RequestFailed) as failed:
            await client.request(options(), port.flow_to(B))
        assert failed.value.cause is cause
        assert loop.time() - start == pytest.approx(after, abs=0.01)


@virtual
async def test_a_handler_that_fails_stops_nothing_else() -> None:
    wire = Wire()
    client, server = new_driver("client"), new_driver("server")
    port = WirePort(client, wire, A)
    WirePort(server, wire, B)

    def fails_first(event: RequestReceived) -> None:
        if event.request.call_id == "bad":
            raise RuntimeError("a fault")
        server.respond(event.transaction, response_to(event.request.headers, 200))

    server.on_request = fails_first
    bad = asyncio.ensure_future(client.request(options("bad"), port.flow_to(B)))
    good = await client.request(options("good"), port.flow_to(B))
    assert good.status == 200
    with pytest.raises(RequestFailed):
        await bad


@virtual
async def test_a_driver_that_serves_nothing_says_so() -> None:
    wire = Wire()
    client, server = new_driver("client"), new_driver("server")
    port = WirePort(client, wire, A)
    WirePort(server, wire, B)
    assert (await client.request(options(), port.flow_to(B))).status == 503


@virtual
async def test_closed_it_neither_sends_nor_fires() -> None:
    wire = Wire()
    client = new_driver("client")
    port = WirePort(client, wire, A)
    waiting = asyncio.ensure_future(client.request(options(), port.flow_to(B)))
    await asyncio.sleep(1)
    client.close()
    before = len(wire.log)
    await asyncio.sleep(60)
    assert len(wire.log) == before
    waiting.cancel()
