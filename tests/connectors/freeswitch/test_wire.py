"""Bytes of the event socket → frames and events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadData
from connectors.freeswitch.wire import Framer, command, event_of
from tests.connectors.freeswitch.esl import callstate, event, plain

SDP = "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=a phone\nm=audio 4016 RTP/AVP 0\n"
STREAM = (
    b"Content-Type: auth/request\n\n"
    + plain(callstate("1001", "ACTIVE", "a"), SDP)
    + plain(event("HEARTBEAT", Event_Info="System Ready", Up_Time="0 years, 1 day"))
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_frames_are_the_same_however_the_bytes_come(cuts: list[int]) -> None:
    framer, frames = Framer(), []
    for start, end in pairwise([0, *sorted(cuts), len(STREAM)]):
        frames += framer.feed(STREAM[start:end])
    assert [frame.content_type for frame in frames] == [
        "auth/request",
        "text/event-plain",
        "text/event-plain",
    ]
    assert event_of(frames[1]).get("channel-presence-id") == "1001@pbx.example"
    # What follows the event's own empty line is a body of the call, and none of our headers.
    assert event_of(frames[1]).get("s") == ""
    assert event_of(frames[2]).name == "HEARTBEAT"


def test_values_are_decoded() -> None:
    (frame,) = Framer().feed(plain(event("CUSTOM", contact='"J\u00fcrgen" <sip:1@192.0.2.1>')))
    assert event_of(frame).get("contact") == '"J\u00fcrgen" <sip:1@192.0.2.1>'


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"Asterisk Call Manager/11.0.0\r\n",
        b"Content-Length: x\nContent-Type: api/response\n\n",
        b"Content-Length: 999999999999\nContent-Type: api/response\n\n",
        b"Date: today\n\n",
        b"x: " + b"y" * 100_000,
    ],
)
def test_another_service_is_recognised(answer: bytes) -> None:
    with pytest.raises(BadData):
        Framer().feed(answer)


def test_a_command_cannot_become_two() -> None:
    with pytest.raises(ValueError):
        command("auth x\n\napi shutdown")
