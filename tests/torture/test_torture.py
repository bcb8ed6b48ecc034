"""Every torture case over UDP and over TCP: how it is read, what is answered, and that the next message is unharmed."""

from dataclasses import replace

import pytest

from agent.sip.endpoint import Discarded, Endpoint, RequestReceived, ResponseReceived, StreamBroken
from agent.sip.flows import Flow
from agent.sip.messages import Request, Response, response_to
from agent.sip.parsing import parse_datagram
from agent.sip.routing import sent_by
from tests.support.sip import TCP, UDP, wire
from tests.torture.case import Case, Outcome
from tests.torture.invalid import INVALID
from tests.torture.ipv6 import RFC_5118
from tests.torture.semantics import SEMANTICS
from tests.torture.valid import VALID

RFC_4475 = [*VALID, *INVALID, *SEMANTICS]
CASES = [*RFC_4475, *RFC_5118]
PROBE = wire("OPTIONS", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKprobe", call_id="probe")


class Uas:
    def __init__(self, flow: Flow) -> None:
        self.endpoint = Endpoint(lambda: "token", b"secret")
        self.flow = flow

    def get(self, data: bytes) -> list[object]:
        if self.flow.transport.framed_by_us:
            self.endpoint.receive_stream(data, self.flow, 0.0)
        else:
            self.endpoint.receive_datagram(data, self.flow, 0.0)
        events = list(self.endpoint.events)
        self.endpoint.events.clear()
        return events

    def answers(self) -> list[Response]:
        found = [parse_datagram(data) for _, data in self.endpoint.take_outbox()]
        assert all(isinstance(message, Response) for message in found)
        return found  # type: ignore[return-value]

    def answer_request(self, event: RequestReceived) -> Response:
        request = event.request
        tag = self.endpoint.tag_for(request)
        self.endpoint.respond(event.transaction, response_to(request.headers, 480, to_tag=tag), 0.0)
        (response,) = self.answers()
        return response


def expect(case: Case, outcome: Outcome, uas: Uas, events: list[object]) -> None:
    match outcome:
        case Outcome.REQUEST:
            assert isinstance(events[0], RequestReceived)
            case.check(parse_datagram(case.data))
            request = events[0].request
            response = uas.answer_request(events[0])
            assert response.headers.get_all("Via") == request.headers.get_all("Via")
            assert response.call_id == request.call_id and response.cseq == request.cseq
            assert response.from_ == request.from_
            assert response.to.tag
        case Outcome.RESPONSE:
            message = parse_datagram(case.data)
            assert isinstance(message, Response)
            case.check(message)
            assert events == [] and uas.answers() == []
        case Outcome.REFUSED | Outcome.BROKEN:
            assert isinstance(events[0], Discarded)
            assert [reply.split(b" ")[1] for _, reply in uas.endpoint.take_outbox()] == [
                str(case.status or 400).encode()
            ]
            assert any(isinstance(event, StreamBroken) for event in events) == (outcome is Outcome.BROKEN)
        case Outcome.DROPPED:
            assert all(isinstance(event, Discarded) for event in events)
            assert uas.answers() == []
        case Outcome.WAITING:
            assert events == [] and uas.answers() == []
            assert uas.endpoint.mid_message(uas.flow)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_over_udp(case: Case) -> None:
    uas = Uas(UDP)
    events = uas.get(case.data)
    assert len(events) <= 1
    expect(case, case.udp, uas, events)
    assert any(isinstance(event, RequestReceived) for event in uas.get(PROBE))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("size", [1_000_000, 1], ids=["whole", "bytewise"])
def test_over_tcp(case: Case, size: int) -> None:
    uas = Uas(TCP)
    outcome = case.tcp or case.udp
    data = case.data
    if case.tcp is None and b"Length" not in data and b"\r\nl:" not in data.lower():
        pytest.fail("a case for streams needs a Content-Length")
    events = [event for start in range(0, len(data), size) for event in uas.get(data[start : start + size])]
    expect(case, outcome, uas, events)
    alive = any(isinstance(event, RequestReceived) for event in uas.get(PROBE))
    assert alive == (outcome not in (Outcome.BROKEN, Outcome.WAITING))


def test_every_case_is_there() -> None:
    assert len({case.name for case in RFC_4475}) == 49
    assert len({case.name for case in RFC_5118}) == 12
    assert [case.name for case in RFC_5118 if case.udp is not Outcome.REQUEST] == ["ipv6-bad"]


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_two_requests_in_one_datagram_are_one_and_on_a_stream_two() -> None:
    assert [type(event) for event in Uas(UDP).get(named("dblreq").data)] == [RequestReceived]
    events = Uas(TCP).get(named("dblreq").data)
    assert [event.request.method for event in events if isinstance(event, RequestReceived)] == [
        "REGISTER",
        "INVITE",
    ]


def test_requests_with_a_bare_cookie_are_not_taken_for_one_another() -> None:
    uas = Uas(UDP)
    first = named("badbranch").data
    assert uas.get(first) and uas.get(first.replace(b"call-1", b"call-2"))
    assert uas.get(first) == []


@pytest.mark.parametrize("name", ["unreason", "noreason", "scalarlg", "bigcode", "bcast"])
def test_responses_to_a_request_of_ours(name: str) -> None:
    """As far as they are responses at all, they end the transaction that they belong to; the others leave it alone."""
    endpoint = Endpoint(lambda: "token", b"secret")
    sent = wire("NOTIFY", via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours")
    endpoint.send_prepared("z9hG4bKours", "NOTIFY", sent, UDP, sent_by(UDP), None, 0.0)
    data = named(name).data.replace(
        b"192.0.2.50:5060;branch=z9hG4bK1;", b"192.0.2.1:5060;branch=z9hG4bKours;"
    )
    endpoint.receive_datagram(data, UDP, 0.1)
    outcomes = [event.status for event in endpoint.events if isinstance(event, ResponseReceived)]
    assert outcomes == ([200] if name == "unreason" else [])
    assert endpoint.open_transactions[0] == (0 if name == "unreason" else 1)


def test_received_is_never_written_with_brackets() -> None:
    flow = replace(UDP, local=("2001:db8::10", 5060), remote=("2001:db8::9:77", 5060))
    for name in ("via-received-param-with-delim", "via-received-param-no-delim"):
        (event,) = Uas(flow).get(named(name).data)
        assert isinstance(event, RequestReceived) and isinstance(event.request, Request)
        assert event.request.via.params["received"] == "2001:db8::9:77"
