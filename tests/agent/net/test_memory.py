"""The hop within the process: requests go over in order, each is answered once, or its sender hears that it is not."""

import asyncio
from functools import partial

import pytest

from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.net.memory import Hop
from agent.net.transcript import Transcript
from agent.sip.endpoint import SILENCE, Endpoint, Failure, Refusal, RequestReceived
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, response_to
from tests.support.virtual_loop import LoopClock, virtual


class Server:
    """Answers what it is told to, and keeps the rest to be answered later."""

    def __init__(self, transcript: Transcript | None = None) -> None:
        clock = LoopClock(asyncio.get_running_loop())
        self.driver = Driver(Endpoint(lambda: "server", b"server"), clock, transcript)
        self.driver.on_request = self._take
        self.at_once = True
        self.events: list[RequestReceived] = []

    def _take(self, event: RequestReceived) -> None:
        self.events.append(event)
        if self.at_once:
            self.answer(event)

    def answer(self, event: RequestReceived, status: int = 200) -> None:
        self.driver.respond(event.transaction, response_to(event.request.headers, status, to_tag="s"))


def options(call: str = "c") -> Request:
    headers = [("From", "<sip:a@b>;tag=1"), ("To", "<sip:b@c>"), ("Call-ID", call), ("CSeq", "1 OPTIONS")]
    return Request("OPTIONS", "sip:b@c", Headers(headers), b"body")


Heard = list[tuple[str, Response | RequestFailed]]


def send(hop: Hop, heard: Heard, *calls: str) -> None:
    for call in calls:
        hop.send(options(call), partial(note, heard, call))


def note(heard: Heard, call: str, outcome: Response | RequestFailed) -> None:
    heard.append((call, outcome))


def causes(heard: Heard) -> list[tuple[str, Failure]]:
    return [(call, outcome.cause) for call, outcome in heard if isinstance(outcome, RequestFailed)]


@virtual
async def test_requests_go_over_in_order_and_each_is_answered_in_a_later_turn() -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)
    calls = [f"c{n}" for n in range(100)]
    send(hop, heard, *calls)
    assert [event.request.call_id for event in server.events] == calls
    assert not heard, "whoever sends is not called back before it has returned"
    await asyncio.sleep(0)
    assert [call for call, _ in heard] == calls
    for call, outcome in heard:
        assert isinstance(outcome, Response) and outcome.status == 200
        assert (outcome.call_id, outcome.to.tag) == (call, "s")


@virtual
async def test_a_request_arrives_as_it_would_over_another_hop() -> None:
    server = Server()
    hop = Hop(server.driver)
    send(hop, [], "one", "two")
    first, second = (event.request for event in server.events)
    assert first.headers.get("Max-Forwards") == "70"
    assert first.via.branch != second.via.branch and (first.via.branch or "").startswith("z9hG4bK")
    assert {event.flow.transport for event in server.events} == {Transport.MEMORY}


@virtual
async def test_an_answer_counts_once_and_not_when_it_is_late() -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)
    server.at_once = False
    send(hop, heard, "twice", "late")
    twice, late = server.events
    server.answer(twice, 204)
    server.answer(twice, 500)
    await asyncio.sleep(31.9)
    assert [(call, getattr(outcome, "status", None)) for call, outcome in heard] == [("twice", 204)]
    await asyncio.sleep(0.2)
    server.answer(late)
    await asyncio.sleep(1)
    assert causes(heard) == [("late", Failure.TIMEOUT)] and len(heard) == 2


@virtual
async def test_patience_ends_for_each_at_its_own_time() -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)
    server.at_once = False
    send(hop, heard, "one")
    await asyncio.sleep(20)
    send(hop, heard, "two")
    await asyncio.sleep(12.1)
    assert causes(heard) == [("one", Failure.TIMEOUT)]
    await asyncio.sleep(20)
    assert causes(heard) == [("one", Failure.TIMEOUT), ("two", Failure.TIMEOUT)]


@virtual
async def test_the_gate_is_asked() -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)
    refusals = iter((Refusal(503, [("Retry-After", "7")]), SILENCE, None))
    server.driver.endpoint.gate = lambda request, flow, now: next(refusals)
    send(hop, heard, "refused", "ignored", "let in")
    await asyncio.sleep(1)
    (refused, answer), (let_in, _) = heard
    assert (refused, let_in) == ("refused", "let in")
    assert isinstance(answer, Response) and answer.status == 503 and answer.headers.get("Retry-After") == "7"
    assert [event.request.call_id for event in server.events] == ["let in"]


@virtual
async def test_a_handler_or_a_sender_that_fails_stops_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)

    def fails_on_one(event: RequestReceived) -> None:
        if event.request.call_id == "one":
            raise RuntimeError("a fault")
        server.answer(event)

    def fails(outcome: Response | RequestFailed) -> None:
        raise RuntimeError("another fault")

    server.driver.on_request = fails_on_one
    send(hop, heard, "one")
    hop.send(options("two"), fails)
    send(hop, heard, "three")
    await asyncio.sleep(1)
    assert [call for call, _ in heard] == ["three"]
    assert len(caplog.records) == 2
    await asyncio.sleep(32)
    assert causes(heard) == [("one", Failure.TIMEOUT)]


@virtual
async def test_a_server_that_serves_nothing_says_so() -> None:
    server, heard = Server(), Heard()
    server.driver.on_request = None
    send(Hop(server.driver), heard, "one")
    await asyncio.sleep(0)
    ((_, answer),) = heard
    assert isinstance(answer, Response) and answer.status == 503


@virtual
async def test_closed_it_tells_whoever_waits_and_whoever_comes_later() -> None:
    server, heard = Server(), Heard()
    hop = Hop(server.driver)
    server.at_once = False
    send(hop, heard, "waiting")
    hop.close()
    send(hop, heard, "after")
    await asyncio.sleep(0)
    assert causes(heard) == [("waiting", Failure.TRANSPORT), ("after", Failure.TRANSPORT)]
    assert len(server.events) == 1
    await asyncio.sleep(60)
    assert len(heard) == 2


@virtual
async def test_the_wire_log_has_what_would_have_been_on_a_wire() -> None:
    transcript = Transcript()
    server = Server(transcript)
    send(Hop(server.driver), [], "seen")
    request, answer = transcript.entries
    assert request.received and not answer.received
    assert request.text.startswith("OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP localhost:5061;branch=")
    assert request.text.endswith("Content-Length: 4\r\n\r\nbody")
    assert answer.text.startswith("SIP/2.0 200 OK\r\n") and "Call-ID: seen\r\n" in answer.text
