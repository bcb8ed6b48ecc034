"""RFC 3261 §17.2, RFC 4320 in virtual time."""

from collections.abc import Callable

import pytest

from agent.sip.endpoint import Endpoint, RequestReceived
from agent.sip.flows import Flow
from agent.sip.messages import Response, response_to
from agent.sip.parsing import parse_datagram
from agent.sip.server_transactions import INVITE, NON_INVITE, State
from tests.support.sip import TCP, UDP, wire


class Uas:
    """An endpoint whose answers the test decides; time moves only by `until`."""

    def __init__(self, flow: Flow = UDP) -> None:
        self.endpoint = Endpoint(lambda: "token", b"secret")
        self.flow = flow
        self.sent: list[tuple[float, bytes]] = []
        self.requests: list[RequestReceived] = []
        self.now = 0.0

    def get(self, data: bytes) -> None:
        receive: Callable[[bytes, Flow, float], None]
        receive = (
            self.endpoint.receive_stream
            if self.flow.transport.framed_by_us
            else self.endpoint.receive_datagram
        )
        receive(data, self.flow, self.now)
        self._drain()

    def respond(self, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        event = self.requests[-1]
        response = response_to(
            event.request.headers, status, to_tag=self.endpoint.tag_for(event.request), headers=headers
        )
        self.endpoint.respond(event.transaction, response, self.now)
        self._drain()

    def until(self, end: float) -> None:
        while (deadline := self.endpoint.next_deadline()) is not None and deadline <= end:
            self.now = deadline
            self.endpoint.handle_timeout(deadline)
            self._drain()
        self.now = end

    def _drain(self) -> None:
        while self.endpoint.events:
            event = self.endpoint.events.popleft()
            if isinstance(event, RequestReceived):
                self.requests.append(event)
        self.sent += [(self.now, data) for _, data in self.endpoint.take_outbox()]

    @property
    def answers(self) -> list[tuple[float, int]]:
        found = []
        for at, data in self.sent:
            message = parse_datagram(data)
            assert isinstance(message, Response)
            found.append((round(at, 3), message.status))
        return found


# -- non-INVITE ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["SUBSCRIBE", "PUBLISH", "NOTIFY", "MESSAGE", "OPTIONS"])
def test_copies_before_the_answer_are_dropped_and_after_it_get_the_same_bytes(method: str) -> None:
    uas = Uas()
    for _ in range(3):
        uas.get(wire(method))
    assert len(uas.requests) == 1 and uas.sent == []
    uas.respond(200)
    for second in (1, 10, 31):
        uas.until(second)
        uas.get(wire(method))
    assert len(uas.requests) == 1
    assert len(uas.sent) == 4 and len({data for _, data in uas.sent}) == 1


def test_after_32_seconds_the_transaction_is_forgotten() -> None:
    uas = Uas()
    uas.get(wire("PUBLISH"))
    uas.respond(200)
    uas.until(31.9)
    assert uas.endpoint.open_transactions == (0, 1)
    uas.until(32.0)
    assert uas.endpoint.open_transactions == (0, 0)
    uas.get(wire("PUBLISH"))
    assert len(uas.requests) == 2


def test_on_streams_it_is_forgotten_at_once() -> None:
    uas = Uas(TCP)
    uas.get(wire("PUBLISH", via="SIP/2.0/TCP 192.0.2.50:5060;branch=z9hG4bK1"))
    uas.respond(200)
    assert uas.endpoint.open_transactions == (0, 0)
    assert uas.endpoint.next_deadline() is None


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_100_at_three_and_a_half_seconds_and_not_before(flow: Flow) -> None:
    """RFC 4320 §4.1."""
    uas = Uas(flow)
    uas.get(wire("SUBSCRIBE"))
    uas.until(3.4)
    uas.get(wire("SUBSCRIBE"))
    assert uas.answers == []
    uas.until(3.6)
    assert uas.answers == [(3.5, 100)]
    uas.get(wire("SUBSCRIBE"))
    uas.respond(200)
    assert [status for _, status in uas.answers] == [100, 100, 200]
    assert b"tag=" not in uas.sent[0][1].split(b"To:")[1].split(b"\r\n")[0]


def test_nobody_decides() -> None:
    """RFC 4320 §4.2: never a 408, and no late answer."""
    uas = Uas()
    uas.get(wire("SUBSCRIBE"))
    uas.until(60)
    assert uas.answers == [(3.5, 100)]
    assert uas.endpoint.open_transactions == (0, 0)
    uas.respond(200)
    assert len(uas.sent) == 1


def test_the_first_answer_stands() -> None:
    uas = Uas()
    uas.get(wire("PUBLISH"))
    uas.respond(200)
    uas.respond(500)
    uas.get(wire("PUBLISH"))
    assert [status for _, status in uas.answers] == [200, 200]


def test_one_to_tag_in_every_answer_to_a_request() -> None:
    uas = Uas()
    uas.get(wire("PUBLISH"))
    uas.respond(401)
    uas.get(wire("PUBLISH"))
    uas.respond(401)
    uas.get(wire("PUBLISH", call_id="another"))
    uas.respond(401)
    first, second, third = (parse_datagram(data).to.tag for _, data in uas.sent)
    assert first == second and first and third != first


# -- challenges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 407])
def test_challenges_keep_no_state(status: int) -> None:
    uas = Uas()
    uas.get(wire("SUBSCRIBE"))
    uas.respond(status, [("WWW-Authenticate", 'Digest realm="x", nonce="y"')])
    assert uas.endpoint.open_transactions == (0, 0)


def test_credentials_on_the_same_branch_are_not_taken_for_a_copy() -> None:
    """COMPAT(libpurple 2.14): it repeats the branch, and after a 407 the CSeq too."""
    uas = Uas()
    uas.get(wire("SUBSCRIBE"))
    uas.respond(407)
    uas.get(wire("SUBSCRIBE", 'Proxy-Authorization: Digest username="alice"'))
    assert len(uas.requests) == 2
    uas.respond(200)
    uas.get(wire("SUBSCRIBE", 'Proxy-Authorization: Digest username="alice"'))
    assert [status for _, status in uas.answers] == [407, 200, 200]


# -- merged requests -------------------------------------------------------------------------------------------


def test_merged_requests_are_refused_while_the_first_lives() -> None:
    """RFC 3261 §8.2.2.2."""
    uas = Uas()
    uas.get(wire("SUBSCRIBE", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKpath1"))
    uas.get(wire("SUBSCRIBE", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKpath2"))
    assert len(uas.requests) == 1
    assert uas.answers == [(0, 482)]
    uas.respond(200)
    uas.until(40)
    uas.get(wire("SUBSCRIBE", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKpath2"))
    assert len(uas.requests) == 2


def test_requests_in_a_dialog_and_the_next_request_are_not_merged() -> None:
    uas = Uas()
    uas.get(wire("SUBSCRIBE"))
    uas.get(
        wire("SUBSCRIBE", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK2", to="<sip:bob@example.org>;tag=b1")
    )
    uas.get(wire("SUBSCRIBE", via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK3", cseq=2))
    assert len(uas.requests) == 3


# -- CANCEL ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE"])
def test_cancel_of_a_living_request_has_no_effect_on_it(method: str) -> None:
    uas = Uas()
    uas.get(wire(method))
    uas.get(wire("CANCEL"))
    assert uas.answers == [(0, 200)]
    assert len(uas.requests) == 1
    uas.respond(200)
    assert [status for _, status in uas.answers] == [200, 200]


def test_cancel_of_nothing() -> None:
    uas = Uas()
    uas.get(wire("CANCEL"))
    uas.get(wire("CANCEL"))
    assert uas.answers == [(0, 481), (0, 481)]
    assert uas.sent[0][1] == uas.sent[1][1]


# -- INVITE, refused -------------------------------------------------------------------------------------------


def test_a_refusal_is_repeated_until_the_ack() -> None:
    uas = Uas()
    uas.get(wire("INVITE"))
    uas.respond(405)
    uas.until(8)
    assert uas.answers == [(at, 405) for at in (0, 0.5, 1.5, 3.5, 7.5)]
    uas.get(wire("INVITE"))
    assert len(uas.requests) == 1 and len(uas.sent) == 6
    ack = wire("ACK", to="<sip:bob@example.org>;tag=x")
    uas.get(ack)
    uas.until(12)
    uas.get(ack)
    uas.get(wire("INVITE"))
    assert len(uas.sent) == 6 and len(uas.requests) == 1
    uas.until(13)
    assert uas.endpoint.open_transactions == (0, 0)


def test_without_an_ack_it_gives_up_after_32_seconds() -> None:
    uas = Uas()
    uas.get(wire("INVITE"))
    uas.respond(405)
    uas.until(100)
    assert [at for at, _ in uas.answers] == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert uas.endpoint.open_transactions == (0, 0)


def test_on_a_stream_a_refusal_is_sent_once() -> None:
    uas = Uas(TCP)
    uas.get(wire("INVITE"))
    uas.respond(405)
    uas.get(wire("ACK", to="<sip:bob@example.org>;tag=x"))
    uas.until(100)
    assert uas.answers == [(0, 405)]
    assert uas.endpoint.open_transactions == (0, 0)


def test_an_undecided_invite_is_not_kept_for_ever() -> None:
    uas = Uas()
    uas.get(wire("INVITE"))
    uas.until(100)
    assert uas.answers == [] and uas.endpoint.open_transactions == (0, 0)


def test_an_ack_out_of_nowhere_is_never_answered() -> None:
    uas = Uas()
    uas.get(wire("ACK"))
    uas.get(wire("ACK", cseq_method="INVITE"))
    uas.get(wire("ACK", "CSeq: 2 ACK"))
    assert uas.sent == [] and uas.requests == []


def test_old_requests_are_matched_too() -> None:
    """RFC 2543 peers send no branch."""
    uas = Uas()
    invite = wire("INVITE", via="SIP/2.0/UDP old.example.com", from_="<sip:a@b>")
    uas.get(invite)
    uas.respond(405)
    uas.get(invite)
    assert len(uas.requests) == 1 and len(uas.sent) == 2
    uas.get(
        wire("ACK", via="SIP/2.0/UDP old.example.com", from_="<sip:a@b>", to="<sip:bob@example.org>;tag=x")
    )
    uas.until(100)
    assert len(uas.sent) == 2


def test_the_tables_never_leave_the_end() -> None:
    for table in (INVITE, NON_INVITE):
        assert not any(state is State.ENDED for state, _ in table)
        reached, found = {State.TRYING}, True
        while found:
            found = {target for (state, _), (target, _) in table.items() if state in reached} - reached
            reached |= found
        assert State.ENDED in reached and {state for state, _ in table} <= reached
