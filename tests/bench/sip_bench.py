"""How fast the SIP core is on one core: ``python -m tests.bench.sip_bench``. Best of several runs."""

import timeit
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from agent.sip.endpoint import Endpoint, RequestReceived
from agent.sip.flows import Flow
from agent.sip.framing import Framer
from agent.sip.matching import scan_response
from agent.sip.messages import response_to
from agent.sip.parsing import parse_datagram
from agent.sip.routing import sent_by
from tests.support.sip import SERVER, TCP, UDP, answer, wire

PHONE_HEADERS = (
    "User-Agent: ExamplePhone 1.2.3",
    "Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE",
    "Supported: gruu,outbound,path",
    "Contact: <sip:alice@192.0.2.50:5060>",
)
PIDF = (
    b'<?xml version="1.0"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.org"/>'
    * 6
)
PUBLISH = wire(
    "PUBLISH",
    *PHONE_HEADERS,
    "Event: presence",
    "Expires: 3600",
    "Content-Type: application/pidf+xml",
    body=PIDF,
)
SUBSCRIBE = wire(
    "SUBSCRIBE", *PHONE_HEADERS, "Event: presence", "Expires: 3600", "Accept: application/pidf+xml"
)
NOTIFY_VIA = f"SIP/2.0/UDP {SERVER[0]}:{SERVER[1]};branch=z9hG4bKtoken12345;rport"
NOTIFY = wire("NOTIFY", "Event: presence", "Subscription-State: active;expires=3600", via=NOTIFY_VIA)
ANSWER = answer(NOTIFY, 200, "OK", "b1", *PHONE_HEADERS[:3])


def measure(name: str, work: Callable[[], object], number: int = 20_000) -> float:
    """Print and return microseconds for one call."""
    best = min(timeit.repeat(work, number=number, repeat=5)) / number
    print(f"{name:50s} {best * 1e6:8.2f} us {1 / best:12,.0f} /s")
    return best * 1e6


def publish_round_trip() -> Callable[[], None]:
    """A new PUBLISH in, its transaction, a 200 with entity-tag out."""
    endpoint = Endpoint(lambda: "token", b"secret")
    numbers = count()
    before, after = PUBLISH.replace(b"call-1", b"%d").replace(b"%d", b"\0", 1), b""
    head, _, tail = before.partition(b"z9hG4bK1")
    middle, _, after = tail.partition(b"\0")

    def work() -> None:
        number = b"%d" % next(numbers)
        endpoint.receive_datagram(b"".join((head, b"z9hG4bK1", number, middle, number, after)), UDP, 0.0)
        event = endpoint.events.popleft()
        assert isinstance(event, RequestReceived)
        headers = [("Expires", "3600"), ("SIP-ETag", "dx200xyz")]
        endpoint.respond(
            event.transaction, response_to(event.request.headers, 200, to_tag="tag1", headers=headers), 0.0
        )
        endpoint.take_outbox()

    return work


def notify_answered(flow: Flow) -> Callable[[], None]:
    """A rendered NOTIFY out, its transaction, its 200 in."""
    endpoint = Endpoint(lambda: "token", b"secret")

    def work() -> None:
        branch = endpoint.new_branch()
        endpoint.send_prepared(branch, "NOTIFY", NOTIFY, flow, sent_by(flow), None, 0.0)
        endpoint.take_outbox()
        endpoint.receive_datagram(ANSWER.replace(b"z9hG4bKtoken12345", branch.encode()), flow, 0.0)
        endpoint.events.popleft()

    return work


def answers_only(number: int) -> None:
    """The answers to many NOTIFYs that are under way: scanning, ending the transaction, reporting."""
    best = float("inf")
    for _ in range(5):
        endpoint = Endpoint(lambda: "token", b"secret")
        branches = [endpoint.new_branch() for _ in range(number)]
        for branch in branches:
            endpoint.send_prepared(branch, "NOTIFY", NOTIFY, UDP, sent_by(UDP), None, 0.0)
        answers = [ANSWER.replace(b"z9hG4bKtoken12345", branch.encode()) for branch in branches]
        receive, events = endpoint.receive_datagram, endpoint.events

        def work(answers: list[bytes] = answers, receive=receive, events=events) -> None:  # type: ignore[no-untyped-def]
            for data in answers:
                receive(data, UDP, 0.0)
                events.popleft()

        best = min(best, timeit.timeit(work, number=1) / number)
        assert endpoint.open_transactions == (0, 0)
    print(
        f"{'answer to NOTIFY: scan, end of transaction, event':50s} {best * 1e6:8.2f} us {1 / best:12,.0f} /s"
    )


def main() -> None:
    measure("parse SUBSCRIBE", lambda: parse_datagram(SUBSCRIBE))
    measure("parse PUBLISH", lambda: parse_datagram(PUBLISH))
    measure("frame and parse PUBLISH from a stream", lambda: Framer().feed(PUBLISH))
    measure("parse an answer to NOTIFY the long way", lambda: parse_datagram(ANSWER))
    measure("scan an answer to NOTIFY", lambda: scan_response(ANSWER))
    answers_only(20_000)
    measure("PUBLISH in, 200 out", publish_round_trip())
    measure("NOTIFY out, 200 in", notify_answered(UDP))
    measure("NOTIFY out, 200 in, reliable", notify_answered(replace(TCP, connection=0)))


if __name__ == "__main__":
    main()
