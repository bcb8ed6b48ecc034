"""RFC 3261 §17.1.2 in virtual time."""

from dataclasses import replace

import pytest

from agent.sip.client_transactions import TRANSITIONS, Action, ClientTransaction, Input, State
from agent.sip.endpoint import Discarded, Endpoint, Failure, ResponseReceived, TransactionFailed
from agent.sip.flows import Flow, Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request
from tests.support.network import EndpointParty, Network, Node
from tests.support.sip import PHONE, SERVER, TCP, UDP, answer, parsed

REQUEST = Request(
    "NOTIFY",
    "sip:alice@192.0.2.50",
    Headers([
        ("From", "<sip:bob@example.org>;tag=b1"),
        ("To", "<sip:alice@example.org>;tag=a1"),
        ("Call-ID", "call-1"),
        ("CSeq", "7 NOTIFY"),
    ]),
)  # fmt: skip


class Silent:
    """A party that keeps what it gets and says nothing of its own accord."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Flow, bytes]] = []
        self.got: list[tuple[float, bytes, Flow]] = []

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.got.append((now, data, flow))

    def next_deadline(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> None:
        pass


class Pair:
    """A server that sends the request and a phone that stays silent unless told."""

    def __init__(self, transport: Transport = Transport.UDP) -> None:
        self.net = Network(latency=0.0)
        self.server, self.phone = EndpointParty("server"), Silent()
        self.server_node: Node = self.net.add("server", self.server, *SERVER)
        self.phone_node: Node = self.net.add("phone", self.phone, *PHONE)
        self.flow = self.net.flow(self.server_node, self.phone_node, transport)
        self.start = self.net.now
        self.server.request(REQUEST, self.flow, self.start, owner="the watcher")
        self.net.drive_for(0)

    def reply(self, status: int) -> None:
        _, data, flow = self.phone.got[0]
        self.net.inject(self.phone_node, flow, answer(data, status))
        self.net.drive_for(0)

    @property
    def sends(self) -> list[float]:
        return [round(sent.at - self.start, 3) for sent in self.net.sent_by("server")]


def test_unanswered_over_udp() -> None:
    pair = Pair()
    pair.net.drive()
    assert pair.sends == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    ((at, event),) = pair.server.events
    assert isinstance(event, TransactionFailed)
    assert (event.cause, event.owner) == (Failure.TIMEOUT, "the watcher")
    assert at - pair.start == pytest.approx(32.0)
    assert pair.server.endpoint.open_transactions == (0, 0)
    # RFC 3263 §4: one choice of address and one Via for the transaction's life.
    assert len({(sent.data, sent.receiver) for sent in pair.net.log}) == 1


def test_after_a_provisional_response_every_four_seconds() -> None:
    pair = Pair()
    pair.net.drive_for(0.6)
    pair.reply(100)
    pair.net.drive()
    assert pair.sends == [0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    assert pair.server.events[-1][0] - pair.start == pytest.approx(32.0)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS, Transport.MEMORY])
def test_reliable_transports_send_once(transport: Transport) -> None:
    pair = Pair(transport)
    pair.net.drive()
    assert pair.sends == [0]
    at, event = pair.server.events[0]
    assert isinstance(event, TransactionFailed) and event.cause is Failure.TIMEOUT
    assert at - pair.start == pytest.approx(32.0)


def test_a_final_response_ends_it_and_late_copies_are_swallowed() -> None:
    pair = Pair()
    pair.net.drive_for(2.0)
    for _ in range(3):
        pair.reply(200)
    pair.net.drive()
    assert pair.sends == [0, 0.5, 1.5]
    ((_, event),) = pair.server.events
    assert isinstance(event, ResponseReceived)
    assert (event.status, event.owner, event.response.to.tag) == (200, "the watcher", "a1")


def test_provisional_responses_are_not_reported() -> None:
    pair = Pair()
    for status in (100, 180, 199):
        pair.reply(status)
    assert pair.server.events == []
    pair.reply(481)
    assert [event.status for event in pair.server.seen(ResponseReceived)] == [481]  # type: ignore[union-attr]


def started(flow: Flow = UDP) -> tuple[Endpoint, bytes]:
    endpoint = Endpoint(lambda: "token", b"secret")
    endpoint.request(REQUEST, flow, "me", 0.0)
    ((_, data),) = endpoint.take_outbox()
    return endpoint, data


def test_our_requests_carry_a_fresh_branch_rport_and_max_forwards() -> None:
    endpoint, data = started()
    request = parsed(data)
    assert (request.via.branch or "").startswith("z9hG4bK")
    assert "rport" in request.via.params
    assert request.via.sent_by == "192.0.2.1:5060"
    assert request.headers.get("Max-Forwards") == "70"
    endpoint.request(REQUEST, UDP, None, 0.0)
    assert parsed(endpoint.take_outbox()[0][1]).via.branch != request.via.branch


def test_foreign_responses_are_no_ones() -> None:
    endpoint, data = started()
    good = answer(data)
    for bad in (
        good.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        good.replace(b"CSeq: 7 NOTIFY", b"CSeq: 7 MESSAGE"),
        good.replace(b"192.0.2.1:5060", b"192.0.2.99:5060"),
        good.replace(b"192.0.2.1:5060", b"192.0.2.1:5061"),
        answer(data, vias=2),
        good.replace(b"Via: ", b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKz, "),
    ):
        assert bad != good
        endpoint.receive_datagram(bad, UDP, 1.0)
        assert all(isinstance(event, Discarded) for event in endpoint.events)
    assert endpoint.open_transactions == (1, 0)
    endpoint.events.clear()
    endpoint.receive_datagram(good, UDP, 1.0)
    assert isinstance(endpoint.events.popleft(), ResponseReceived)


@pytest.mark.parametrize(
    ("written", "other"),
    [
        (b"Via:", b"v:"),
        (b"192.0.2.1:5060", b"192.0.2.1"),
        (b"192.0.2.1:5060", b"192.0.2.1 : 5060 "),
        (b"From:", b"f :"),
        (b"Content-Length: 0", b"X-New: 1\r\n folded"),
    ],
)
def test_unusually_written_responses_count_too(written: bytes, other: bytes) -> None:
    endpoint, data = started()
    endpoint.receive_datagram(answer(data).replace(written, other, 1), UDP, 1.0)
    (event,) = endpoint.events
    assert isinstance(event, ResponseReceived) and event.response.status == 200


def test_a_response_counts_whatever_its_from_and_to_look_like() -> None:
    endpoint, data = started()
    endpoint.receive_datagram(answer(data).replace(b"From: <sip", b'From: "<sip'), UDP, 1.0)
    (event,) = endpoint.events
    assert isinstance(event, ResponseReceived)
    assert (event.status, event.response.status) == (200, 200)


def test_responses_over_a_stream() -> None:
    endpoint, data = started(TCP)
    response = answer(data)
    endpoint.receive_stream(response[:50], TCP, 1.0)
    assert endpoint.mid_message(TCP)
    endpoint.receive_stream(response[50:], TCP, 1.0)
    assert isinstance(endpoint.events.popleft(), ResponseReceived)
    assert not endpoint.mid_message(TCP)


def test_a_lost_connection_fails_its_transactions_at_once() -> None:
    """RFC 3261 §18.4: not after 32 seconds."""
    pair = Pair(Transport.TCP)
    other = pair.net.flow(pair.server_node, pair.phone_node, Transport.TCP)
    pair.server.request(REQUEST, other, pair.net.now, owner="other")
    pair.net.cut(pair.flow)
    ((at, event),) = pair.server.events
    assert isinstance(event, TransactionFailed)
    assert (event.cause, event.owner, at) == (Failure.TRANSPORT, "the watcher", pair.start)
    assert pair.server.endpoint.open_transactions == (1, 0)


def test_an_unreachable_peer_fails_its_transactions_at_once() -> None:
    endpoint = Endpoint(lambda: "token", b"secret")
    elsewhere = replace(UDP, remote=("192.0.2.51", 5060))
    endpoint.request(REQUEST, UDP, "one", 0.0)
    endpoint.request(REQUEST, elsewhere, "two", 0.0)
    endpoint.send_failed(UDP, 0.1)
    (event,) = endpoint.events
    assert isinstance(event, TransactionFailed)
    assert (event.owner, event.cause) == ("one", Failure.TRANSPORT)


def test_lossy_network_still_delivers_every_answer_once() -> None:
    net = Network(seed=4, loss=0.3, duplication=0.2, reordering=0.3)
    server, phone = EndpointParty("server"), EndpointParty("phone", lambda request: 200)
    here, there = net.add("server", server, *SERVER), net.add("phone", phone, *PHONE)
    flow = net.flow(here, there)
    for number in range(50):
        server.request(REQUEST, flow, net.now, owner=number)
    net.drive(20_000)
    outcomes = [event.owner for event in server.seen(ResponseReceived)]  # type: ignore[union-attr]
    failed = [event.owner for event in server.seen(TransactionFailed)]  # type: ignore[union-attr]
    assert sorted(outcomes + failed) == list(range(50))  # type: ignore[operator]
    assert len(outcomes) >= 49
    assert server.endpoint.open_transactions == (0, 0)
    assert phone.endpoint.open_transactions == (0, 0)


def test_the_table_never_leaves_the_end() -> None:
    assert not any(state is State.ENDED for state, _ in TRANSITIONS)
    reports = {Action.REPORT_RESPONSE, Action.REPORT_TIMEOUT, Action.REPORT_TRANSPORT_ERROR}
    for target, action in TRANSITIONS.values():
        assert (target is State.ENDED) == (action in reports)


def test_input_without_meaning_changes_nothing() -> None:
    transaction = ClientTransaction("z9hG4bK1", "NOTIFY", b"", UDP, "h:1", None, 0.0)
    assert transaction.take(Input.FINAL) is Action.REPORT_RESPONSE
    for event in Input:
        assert transaction.take(event) is None
        assert transaction.state is State.ENDED
