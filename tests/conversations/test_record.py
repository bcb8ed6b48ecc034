"""What was recorded can be replayed, also against a server that makes up other tags."""

import pytest

from agent.net.transcript import Entry, redact
from agent.sip.endpoint import Endpoint, RequestReceived
from agent.sip.flows import Flow
from agent.sip.messages import Request, response_to
from tests.support.network import Network
from tests.support.record import to_script
from tests.support.script import Runner, ScriptError, read_script


class Publishing:
    """Answers PUBLISH with an entity-tag of its own making and SUBSCRIBE with a NOTIFY; logs like the real server."""

    def __init__(self, name: str, broken: bool = False) -> None:
        self.endpoint = Endpoint(lambda: name, name.encode())
        self.outbox: list[tuple[Flow, bytes]] = []
        self.log: list[Entry] = []
        self._name = name
        self._broken = broken
        self._tag = ""

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.log.append(Entry(now, True, flow, redact(data)))
        if flow.transport.framed_by_us:
            self.endpoint.receive_stream(data, flow, now)
        else:
            self.endpoint.receive_datagram(data, flow, now)
        while self.endpoint.events:
            event = self.endpoint.events.popleft()
            if isinstance(event, RequestReceived):
                self._handle(event, now)
        self._flush(now)

    def _handle(self, event: RequestReceived, now: float) -> None:
        request = event.request
        tag = self.endpoint.tag_for(request)
        if request.method == "PUBLISH":
            old = request.headers.get("SIP-If-Match")
            status = 412 if old is not None and (self._broken or old != self._tag) else 200
            self._tag = f"{self._name}-{now:.0f}"
            headers = [("SIP-ETag", self._tag), ("Expires", "60")]
            self.endpoint.respond(
                event.transaction, response_to(request.headers, status, to_tag=tag, headers=headers), now
            )
            return
        self.endpoint.respond(event.transaction, response_to(request.headers, 200, to_tag=tag), now)
        notify = Request("NOTIFY", "sip:alice@192.0.2.50", body=b"<presence/>\r\n")
        for name, value in (
            ("From", f"{request.headers.get('To')};tag={tag}"),
            ("To", request.headers.get("From") or ""),
            ("Call-ID", request.call_id),
            ("CSeq", "1 NOTIFY"),
            ("Subscription-State", "active;expires=60"),
        ):
            notify.headers.add(name, value)
        self.endpoint.request(notify, event.flow, None, now)

    def next_deadline(self) -> float | None:
        return self.endpoint.next_deadline()

    def handle_timeout(self, now: float) -> None:
        self.endpoint.handle_timeout(now)
        self._flush(now)

    def _flush(self, now: float) -> None:
        for flow, data in self.endpoint.take_outbox():
            self.log.append(Entry(now, False, flow, data))
            self.outbox.append((flow, data))


LIVE = """
[Phone] Alice  transport: tcp
[Phone] Bob
Bob sends: PUBLISH sip:bob@example.org
    Event: presence
    | <presence/>
Bob receives: 200
    SIP-ETag: {etag}
after 5s
Bob sends: PUBLISH sip:bob@example.org
    Event: presence
    SIP-If-Match: {etag}
Bob receives: 200
after 1s
Alice sends: SUBSCRIBE sip:bob@example.org
    Event: presence
Alice receives: 200
Alice receives: NOTIFY
Alice answers: 200
"""


@pytest.fixture
def recorded() -> str:
    server = Publishing("one")
    Runner(read_script(LIVE), server, Network(segment=40)).run()
    return to_script(server.log)


def test_a_recording_reads_like_a_script(recorded: str) -> None:
    assert "[Phone] Alice  transport: tcp  address: 192.0.2.50:5060" in recorded
    assert "Bob sends: PUBLISH sip:bob@example.org" in recorded
    assert "    SIP-If-Match: {etag1}" in recorded
    assert "after 5.0s" in recorded
    assert "Alice receives: NOTIFY" in recorded and "Alice answers: 200" in recorded
    assert "one-" not in recorded
    assert "    | <presence/>" in recorded


def test_a_recording_can_be_replayed_against_another_server(recorded: str) -> None:
    Runner(read_script(recorded), Publishing("two")).run()


def test_a_server_that_behaves_otherwise_fails_the_recording(recorded: str) -> None:
    with pytest.raises(ScriptError, match="412"):
        Runner(read_script(recorded), Publishing("two", broken=True)).run()
