"""Bytes of the manager → messages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.asterisk.wire import MAX_MESSAGE, Framer, Message, action
from connectors.errors import BadData
from tests.connectors.asterisk.ami import channel, extension, wire

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
STREAM = GREETING + wire(extension("1001", 8)) + wire(channel("Hangup", "1001", "6", "17.1", Cause="16"))


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_messages_are_the_same_however_the_bytes_come(cuts: list[int]) -> None:
    framer, messages = Framer(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        messages += framer.feed(STREAM[start:end])
    assert [each.event for each in messages] == ["ExtensionStatus", "Hangup"]
    assert messages[0].get("exten") == "1001"
    assert messages[1].get("cause") == "16"


def test_what_is_not_known_is_empty() -> None:
    (message,) = Framer().feed(GREETING + b"Event: Newstate\r\nConnectedLineNum: <unknown>\r\n\r\n")
    assert message.get("connectedlinenum") == message.get("exten") == ""


def test_values_may_hold_colons_and_names_may_repeat() -> None:
    (message,) = Framer().feed(
        GREETING + b"Event: X\r\nVariable: a: b\r\nVariable: c\r\nno colon here\r\n\r\n"
    )
    assert message == Message({"event": "X", "variable": "a: b"})


def test_bytes_that_are_no_text_do_no_harm() -> None:
    (message,) = Framer().feed(GREETING + b"Event: X\r\nCallerIDName: J\xfcrgen\r\n\r\n")
    assert message.get("calleridname") == "J\ufffdrgen"


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\x00\x01"]
)
def test_another_service_is_recognised(greeting: bytes) -> None:
    with pytest.raises(BadData):
        Framer().feed(greeting)


def test_a_message_without_end_is_given_up() -> None:
    framer = Framer()
    framer.feed(GREETING)
    with pytest.raises(BadData):
        framer.feed(b"Event: X\r\nFiller: " + b"x" * MAX_MESSAGE)


def test_a_value_cannot_smuggle_in_another_line() -> None:
    with pytest.raises(ValueError):
        action("Login", "1", [("Username", "x\r\nAction: Command")])
