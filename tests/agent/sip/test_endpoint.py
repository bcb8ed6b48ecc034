from dataclasses import replace

import pytest

from agent.sip.endpoint import Discarded, Endpoint, RequestReceived, StreamBroken
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Response
from agent.sip.parsing import parse_datagram
from agent.sip.routing import sent_by
from tests.support.sip import SERVER, TCP, UDP, answer, wire


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(lambda: "token", b"secret")


def statuses(endpoint: Endpoint) -> list[int]:
    found = []
    for _, data in endpoint.take_outbox():
        message = parse_datagram(data)
        assert isinstance(message, Response)
        found.append(message.status)
    return found


def test_refused_requests_are_answered_without_state(endpoint: Endpoint) -> None:
    bad = wire("SUBSCRIBE", cseq_method="PUBLISH")
    endpoint.receive_datagram(bad, UDP, 0.0)
    endpoint.receive_datagram(bad, UDP, 0.0)
    (_, first), (_, second) = endpoint.take_outbox()
    assert first == second
    assert first.startswith(b"SIP/2.0 400 CSeq Method Does Not Match\r\n")
    assert b";tag=" in first.split(b"\r\nTo:")[1].split(b"\r\n")[0]
    assert endpoint.open_transactions == (0, 0)
    event = endpoint.events[0]
    assert isinstance(event, Discarded) and event.status == 400


def test_a_request_without_call_id_from_and_to_is_answered_by_its_via(endpoint: Endpoint) -> None:
    bare = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\r\n"
    endpoint.receive_datagram(bare, UDP, 0.0)
    ((flow, data),) = endpoint.take_outbox()
    assert data.startswith(b"SIP/2.0 400 ") and flow == UDP


def test_what_has_no_via_is_not_answered(endpoint: Endpoint) -> None:
    for data in (
        b"hello",
        b"\x00\x01\x00\x08!\x12\xa4B" + bytes(12),
        wire(via="nonsense"),
        wire().replace(b"Via", b"Vim"),
    ):
        endpoint.receive_datagram(data, UDP, 0.0)
    assert endpoint.take_outbox() == []
    assert [event.status for event in endpoint.events if isinstance(event, Discarded)] == [None] * 4


def test_broken_responses_are_never_answered(endpoint: Endpoint) -> None:
    good = answer(wire())
    for bad in (
        good.replace(b"200", b"999", 1),
        good.replace(b"CSeq: 1", b"CSeq: x"),
        good.replace(b"Length: 0", b"Length: 9"),
    ):
        endpoint.receive_datagram(bad, UDP, 0.0)
    assert endpoint.take_outbox() == []
    assert len(endpoint.events) == 3


def test_doubled_headers_are_not_doubled_in_the_answer(endpoint: Endpoint) -> None:
    endpoint.receive_datagram(
        wire("OPTIONS", "CSeq: 2 OPTIONS", "From: <sip:x@y>", "To: <sip:z@y>", "i: other"), UDP, 0.0
    )
    ((_, data),) = endpoint.take_outbox()
    response = parse_datagram(data)
    assert isinstance(response, Response) and response.status == 400
    assert response.call_id == "call-1"


def test_too_large_is_answered(endpoint: Endpoint) -> None:
    endpoint.receive_datagram(
        wire("MESSAGE", body=b"x" * 70_000), replace(UDP, transport=Transport.WS, connection=3), 0.0
    )
    assert statuses(endpoint) == [513]


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\r\n", b"\0\0\0\0", b"", b"\0"])
def test_datagrams_that_only_keep_a_nat_open(endpoint: Endpoint, data: bytes) -> None:
    endpoint.receive_datagram(data, UDP, 0.0)
    assert endpoint.take_outbox() == [] and not endpoint.events


def test_answers_to_udp_leave_where_rport_says(endpoint: Endpoint) -> None:
    flow = Flow(Transport.UDP, SERVER, ("203.0.113.9", 40_001), 0, 7)
    endpoint.receive_datagram(wire("CANCEL"), flow, 0.0)
    endpoint.receive_datagram(wire("CANCEL", via="SIP/2.0/UDP 10.0.0.5:5080;branch=z9hG4bK2"), flow, 0.0)
    (with_rport, first), (without, _) = endpoint.take_outbox()
    assert with_rport == flow
    assert without.remote == ("203.0.113.9", 5080)
    assert without.listener == 7
    assert b";rport=40001;received=203.0.113.9\r\n" in first


def test_ping_is_answered_by_pong(endpoint: Endpoint) -> None:
    endpoint.receive_stream(b"\r\n\r\n", TCP, 0.0)
    assert endpoint.take_outbox() == [(TCP, b"\r\n")]
    endpoint.receive_stream(b"\r\n", TCP, 0.0)
    assert endpoint.take_outbox() == []


def test_a_pong_comes_only_between_messages(endpoint: Endpoint) -> None:
    message = wire("MESSAGE", body=b"\r\n\r\n")
    endpoint.receive_stream(message[:-4], TCP, 0.0)
    endpoint.receive_stream(message[-4:], TCP, 0.0)
    assert endpoint.take_outbox() == []
    assert isinstance(endpoint.events.popleft(), RequestReceived)


def test_lost_framing_is_answered_and_the_stream_given_up(endpoint: Endpoint) -> None:
    endpoint.receive_stream(
        wire() + wire("MESSAGE", via="SIP/2.0/TCP h;branch=z9hG4bK2", length=None), TCP, 0.0
    )
    assert statuses(endpoint) == [400]
    kinds = [type(event) for event in endpoint.events]
    assert kinds == [RequestReceived, Discarded, StreamBroken]
    endpoint.receive_stream(wire("OPTIONS", via="SIP/2.0/TCP h;branch=z9hG4bK3"), TCP, 0.0)
    assert len(endpoint.events) == 3


def test_streams_are_framed_each_on_its_own(endpoint: Endpoint) -> None:
    other = replace(TCP, connection=2)
    data = wire()
    endpoint.receive_stream(data[:100], TCP, 0.0)
    endpoint.receive_stream(wire("MESSAGE", via="SIP/2.0/TCP h;branch=z9hG4bK2"), other, 0.0)
    endpoint.receive_stream(data[100:], TCP, 0.0)
    assert [event.request.method for event in endpoint.events if isinstance(event, RequestReceived)] == [
        "MESSAGE",
        "OPTIONS",
    ]
    endpoint.flow_closed(TCP, 0.0)
    assert not endpoint.mid_message(TCP)


def test_max_forwards_of_zero_is_no_business_of_a_user_agent(endpoint: Endpoint) -> None:
    endpoint.receive_datagram(wire().replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), UDP, 0.0)
    assert isinstance(endpoint.events[0], RequestReceived)


def test_tags_depend_on_the_secret() -> None:
    tags = set()
    for secret in (b"one", b"two"):
        endpoint = Endpoint(lambda: "token", secret)
        endpoint.receive_datagram(wire(), UDP, 0.0)
        event = endpoint.events[0]
        assert isinstance(event, RequestReceived)
        tags.add(endpoint.tag_for(event.request))
    assert len(tags) == 2


def test_the_earliest_of_both_roles_timers_counts(endpoint: Endpoint) -> None:
    endpoint.receive_datagram(wire(), UDP, 10.0)
    assert endpoint.next_deadline() == 13.5
    endpoint.send_prepared("z9hG4bKours", "NOTIFY", wire("NOTIFY"), UDP, sent_by(UDP), None, 10.2)
    assert endpoint.next_deadline() == 10.7
    endpoint.send_failed(UDP, 10.3)
    assert endpoint.next_deadline() == 13.5


def test_nothing_to_wait_for(endpoint: Endpoint) -> None:
    assert endpoint.next_deadline() is None
    endpoint.handle_timeout(5.0)
    assert endpoint.take_outbox() == []


@pytest.mark.parametrize("extra", ["Require: nobodyHasThis", "Proxy-Require: nobodyHasThis"])
def test_cancel_and_ack_are_not_asked_what_they_require(endpoint: Endpoint, extra: str) -> None:
    """RFC 3261 §8.2.2.3."""
    endpoint.receive_datagram(wire("SUBSCRIBE"), UDP, 0.0)
    endpoint.receive_datagram(wire("CANCEL", extra), UDP, 0.0)
    endpoint.receive_datagram(wire("ACK", extra), UDP, 0.0)
    assert statuses(endpoint) == [200]


def test_a_claim_to_reuse_the_connection_for_others_changes_nothing(endpoint: Endpoint) -> None:
    """RFC 5923 §8.2: ``alias`` would need a mutually authenticated peer; without it is ignored."""
    endpoint.receive_stream(
        wire("CANCEL", via="SIP/2.0/TCP victim.example.org:5061;branch=z9hG4bK1;alias"), TCP, 0.0
    )
    ((flow, data),) = endpoint.take_outbox()
    assert flow == TCP and data.startswith(b"SIP/2.0 481 ")
    endpoint.receive_stream(
        wire("MESSAGE", via="SIP/2.0/TCP victim.example.org;branch=z9hG4bK2;alias"), TCP, 0.0
    )
    assert isinstance(endpoint.events.popleft(), RequestReceived)
