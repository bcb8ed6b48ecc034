"""Broken input: whatever bytes come, the core answers or is silent; it never raises."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.sip.endpoint import Endpoint
from agent.sip.errors import MessageError, StreamError
from agent.sip.framing import Framer
from agent.sip.messages import Response
from agent.sip.parsing import Limits, parse_datagram
from tests.fuzz.targets import CORPUS, TARGETS, messages, responses
from tests.support.sip import TCP, UDP

PIECE = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([
        b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b";", b",", b"<", b">", b'"', b"\\", b":", b"@", b"[", b"]",
        b"\0", b"\xff", b"\xc2\x85", b"Via: ", b"v:", b"CSeq: ", b"Content-Length: 3\r\n", b"%", b"?", b"=", b"SIP/2.0",
    ]),
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A message of the corpus with up to three places changed, and perhaps its end cut off."""
    data = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(PIECE) + data[at + draw(st.integers(0, 3)) :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@pytest.mark.parametrize("index", range(len(CORPUS)))
def test_every_truncation(index: int) -> None:
    data = CORPUS[index]
    for end in range(0, len(data), 1 + len(data) // 400):
        messages(data[:end])


@pytest.mark.parametrize("index", range(len(CORPUS)))
def test_single_bytes_changed(index: int) -> None:
    data = CORPUS[index]
    for at in range(0, len(data), 1 + len(data) // 100):
        for byte in (0, 9, 10, 13, 32, 34, 44, 58, 59, 60, 62, 92, 127, 133, 255, (data[at] + 1) % 256):
            messages(data[:at] + bytes([byte]) + data[at + 1 :])


@settings(max_examples=400, deadline=None)
@given(broken())
def test_parsing_raises_message_errors_only(data: bytes) -> None:
    messages(data)


@settings(max_examples=400, deadline=None)
@given(broken(), st.integers(1, 50))
def test_framing_raises_stream_errors_only(data: bytes, size: int) -> None:
    framer = Framer(Limits(message=5_000))
    with contextlib.suppress(StreamError):
        for start in range(0, len(data), size):
            framer.feed(data[start : start + size])


@settings(max_examples=300, deadline=None)
@given(st.lists(broken(), max_size=3))
def test_the_endpoint_never_raises_and_never_answers_a_response(messages: list[bytes]) -> None:
    endpoint = Endpoint(lambda: "token", b"secret")
    for data in messages:
        endpoint.receive_datagram(data, UDP, 0.0)
        endpoint.receive_stream(data, TCP, 0.0)
    for _, reply in endpoint.take_outbox():
        if reply != b"\r\n":
            assert isinstance(parse_or_none(reply), Response | None)
            assert reply.startswith(b"SIP/2.0 ")
    endpoint.handle_timeout(100.0)
    endpoint.handle_timeout(200.0)
    assert endpoint.open_transactions == (0, 0)


def parse_or_none(data: bytes) -> object:
    """An answer to a request without From or Call-ID can't be complete; it must be no worse than that."""
    try:
        return parse_datagram(data)
    except MessageError:
        return None


@settings(max_examples=400, deadline=None)
@given(broken())
def test_the_short_path_reads_what_the_long_one_reads(data: bytes) -> None:
    responses(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TARGETS)), st.binary(max_size=200))
def test_no_target_finds_a_fault_in_plain_noise(name: str, data: bytes) -> None:
    TARGETS[name][0](data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_well(name: str) -> None:
    target, seeds = TARGETS[name]
    for seed in seeds:
        target(seed)
