import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.errors import MessageError, StreamError
from agent.sip.framing import Framed, Framer, KeepAlive
from agent.sip.messages import Request
from agent.sip.parsing import Limits
from tests.support.sip import answer, wire

PUBLISH = wire("PUBLISH", body=b"<presence/>\r\n\r\n")
STREAM = PUBLISH + b"\r\n\r\n" + wire("OPTIONS") + answer(wire()) + wire("MESSAGE", body=b"hi")


def shape(items: list[Framed]) -> list[object]:
    """What came out, in a form that can be compared."""
    return [item.encode() if not isinstance(item, KeepAlive | MessageError) else item for item in items]


def feed_all(pieces: list[bytes]) -> list[Framed]:
    framer = Framer()
    return [item for piece in pieces for item in framer.feed(piece)]


def without_keep_alives(items: list[object]) -> list[object]:
    return [item for item in items if not isinstance(item, KeepAlive)]


WHOLE = shape(feed_all([STREAM]))


def test_whole() -> None:
    assert len(WHOLE) == 5
    assert WHOLE[1] is KeepAlive.PING
    assert WHOLE[0] == PUBLISH


def test_byte_by_byte() -> None:
    framer = Framer()
    items: list[Framed] = []
    for index in range(len(STREAM)):
        items += framer.feed(STREAM[index : index + 1])
    assert without_keep_alives(shape(items)) == without_keep_alives(WHOLE)
    assert [item for item in items if item is KeepAlive.PING] == [KeepAlive.PING]
    assert not framer.mid_message


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_segmentation_gives_the_same_messages(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    items = feed_all([STREAM[a:b] for a, b in pairwise(edges)])
    assert without_keep_alives(shape(items)) == without_keep_alives(WHOLE)


def test_trailing_bytes_wait_for_the_rest() -> None:
    framer = Framer()
    assert shape(framer.feed(PUBLISH + b"OPTI")) == [PUBLISH]
    assert framer.mid_message
    assert shape(framer.feed(wire("OPTIONS")[4:])) == [wire("OPTIONS")]


def test_line_ends_before_a_start_line_are_skipped() -> None:
    items = feed_all([b"\r\n" + PUBLISH + b"\r\n" + PUBLISH])
    assert without_keep_alives(shape(items)) == [PUBLISH, PUBLISH]


def test_ping_and_pong() -> None:
    assert feed_all([b"\r\n\r\n"]) == [KeepAlive.PING]
    assert feed_all([b"\r\n"]) == [KeepAlive.PONG]
    assert feed_all([b"\r\n\r", b"\n"])[-1] is KeepAlive.PING
    assert feed_all([b"\r\n\r\n\r\n\r\n"]) == [KeepAlive.PING, KeepAlive.PING]


def test_bare_line_feeds_between_messages_are_skipped_too() -> None:
    assert without_keep_alives(shape(feed_all([b"\n" + PUBLISH + b"\n\n" + PUBLISH]))) == [PUBLISH, PUBLISH]


def test_line_ends_within_a_body_are_no_keep_alive() -> None:
    data = wire("MESSAGE", body=b"\r\n\r\n\r\n\r\n")
    assert shape(feed_all([data[:-4], data[-4:]])) == [data]


@pytest.mark.parametrize("length", ["-999", "five", "", "1e3"])
def test_bad_content_length_loses_the_stream(length: str) -> None:
    bad = wire(length=None).replace(b"\r\n\r\n", f"\r\nContent-Length: {length}\r\n\r\n".encode())
    with pytest.raises(StreamError) as caught:
        Framer().feed(PUBLISH + bad + PUBLISH)
    assert shape(list(caught.value.complete)) == [PUBLISH]
    assert caught.value.error.status == 400
    assert caught.value.error.headers is not None


def test_missing_content_length_loses_the_stream() -> None:
    with pytest.raises(StreamError, match="Missing Content-Length"):
        Framer().feed(wire(length=None))


def test_conflicting_content_lengths_lose_the_stream() -> None:
    with pytest.raises(StreamError, match="Conflicting"):
        Framer().feed(wire("OPTIONS", "Content-Length: 5", "l: 13", length=None))


def test_after_the_loss_nothing_is_read_any_more() -> None:
    framer = Framer()
    with pytest.raises(StreamError):
        framer.feed(wire(length=None))
    assert framer.feed(PUBLISH) == []
    assert not framer.mid_message


def test_a_wrong_message_whose_end_is_known_does_not_end_the_stream() -> None:
    bad = wire("OPTIONS", cseq_method="INVITE", body=b"12345")
    items = feed_all([bad + PUBLISH])
    assert isinstance(items[0], MessageError) and items[0].status == 400
    assert shape(items[1:]) == [PUBLISH]


def test_too_large() -> None:
    limits = Limits(message=1000)
    with pytest.raises(StreamError) as body:
        Framer(limits).feed(wire("MESSAGE", length=5000))
    with pytest.raises(StreamError, match="513"):
        Framer().feed(wire("MESSAGE", length=int("9" * 4000)))
    with pytest.raises(StreamError) as head:
        Framer(limits).feed(wire("OPTIONS", "Subject: " + "x" * 2000))
    for caught in (body, head):
        assert caught.value.error.status == 513
        assert caught.value.error.headers is not None
        assert caught.value.error.headers.get("Call-ID") == "call-1"


def test_a_head_that_never_ends_is_not_kept() -> None:
    framer = Framer(Limits(message=1000))
    with pytest.raises(StreamError):
        for _ in range(2000):
            framer.feed(b"x")


def seconds_byte_by_byte(subject: str, total: int) -> float:
    """Feed messages whose head has that many such lines, one byte at a time, ``total`` bytes in all."""
    data = wire("MESSAGE", *([subject] * 9), body=b"y" * 100)
    framer = Framer()
    pieces = [data[index : index + 1] for index in range(len(data))]
    begin = time.process_time()
    for _ in range(total // len(data)):
        for piece in pieces:
            framer.feed(piece)
    return time.process_time() - begin


def test_a_million_tiny_segments_cost_linear_time() -> None:
    """A head of 60 KB must not cost more for each of its bytes than one of 600: every byte is looked at once."""
    short = seconds_byte_by_byte("Subject: x", 1_000_000)
    assert seconds_byte_by_byte("Subject: " + "x" * 6_700, 1_000_000) < short * 3


def test_large_buffers_are_cut_in_linear_time() -> None:
    many = wire("OPTIONS") * 5_000
    begin = time.process_time()
    items = feed_all([many])
    assert len(items) == 5_000 and all(isinstance(item, Request) for item in items)
    assert time.process_time() - begin < 5
