"""Conversations with the SIP core alone: it says 200, 405 to an INVITE, and thinks five seconds about ``slow``."""

from pathlib import Path

import pytest

from agent.sip.endpoint import Endpoint, RequestReceived
from agent.sip.flows import Flow
from agent.sip.messages import response_to
from tests.support.network import Network
from tests.support.script import Runner, ScriptError, read_script, run_script

SCRIPTS = sorted((Path(__file__).parent / "endpoint").glob("*.sip"))


class EchoUas:
    def __init__(self) -> None:
        self.endpoint = Endpoint(lambda: "uas", b"secret")
        self.outbox: list[tuple[Flow, bytes]] = []
        self._slow: list[tuple[float, RequestReceived]] = []

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        if flow.transport.framed_by_us:
            self.endpoint.receive_stream(data, flow, now)
        else:
            self.endpoint.receive_datagram(data, flow, now)
        self._work(now)

    def next_deadline(self) -> float | None:
        times = [due for due, _ in self._slow]
        deadline = self.endpoint.next_deadline()
        return min(times if deadline is None else [*times, deadline], default=None)

    def handle_timeout(self, now: float) -> None:
        self.endpoint.handle_timeout(now)
        for due, event in [item for item in self._slow if item[0] <= now]:
            self._slow.remove((due, event))
            self._answer(event, now)
        self._work(now)

    def flow_closed(self, flow: Flow, now: float) -> None:
        self.endpoint.flow_closed(flow, now)
        self._work(now)

    def _work(self, now: float) -> None:
        while self.endpoint.events:
            event = self.endpoint.events.popleft()
            if isinstance(event, RequestReceived):
                if event.request.uri.startswith("sip:slow@"):
                    self._slow.append((now + 5.0, event))
                else:
                    self._answer(event, now)
        self.outbox += self.endpoint.take_outbox()

    def _answer(self, event: RequestReceived, now: float) -> None:
        status = 405 if event.request.method == "INVITE" else 200
        tag = self.endpoint.tag_for(event.request)
        self.endpoint.respond(event.transaction, response_to(event.request.headers, status, to_tag=tag), now)
        self.outbox += self.endpoint.take_outbox()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path) -> None:
    run_script(path, EchoUas())


@pytest.mark.parametrize("size", [1, 7])
def test_streams_in_small_segments(size: int) -> None:
    run_script(SCRIPTS[0].parent / "keep_going.sip", EchoUas(), Network(segment=size))


def run(text: str) -> None:
    Runner(read_script(text), EchoUas()).run()


# A runner that lets everything pass would prove nothing.
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: 404", "script:3: expected '404"),
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: NOTIFY", "expected 'NOTIFY"),
        ("Alice sends: OPTIONS sip:b@c", "Alice also received"),
        ("Alice receives: 200", "received nothing within 1s"),
        ("Alice sends: OPTIONS sip:b@c\nnobody receives for 1s", "Alice received"),
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: 200\n    Expires: {any}", "Expires is missing"),
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: 200\n    To: -", "To should be absent"),
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: 200\n    CSeq: {>5} OPTIONS", "1 is not > 5"),
        ("Alice sends: OPTIONS sip:b@c\nAlice receives: 200\n    | x", "no line 'x'"),
        ("Alice sends: OPTIONS sip:{who}@c", "nothing captured as {who}"),
        ("Alice answers: 200", "no request"),
        ("Alice dances", "script:2: not understood"),
        ("    Event: presence", "belongs to nothing"),
        ("Alice sends: OPTIONS sip:b@c\n    what", "neither a header nor a body"),
    ],
)
def test_what_does_not_hold_fails(text: str, complaint: str) -> None:
    with pytest.raises(ScriptError) as caught:
        run(f"[Phone] Alice\n{text}\n")
    assert complaint in str(caught.value)
