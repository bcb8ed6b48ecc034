"""Marks of what a watcher has acknowledged: alike only where nothing is news."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.presence.told import SIZE, digest, mark, packed, unpacked
from tests.agent.store.rows import subscription

ROW = subscription()
IN = digest("application/pidf+xml", b"In")


def test_a_mark_is_a_function_of_what_was_told_and_to_whom() -> None:
    assert mark(ROW, IN) == mark(replace(ROW, expires_at=0.0), digest("application/pidf+xml", b"In"))


@pytest.mark.parametrize(
    ("row", "media_type", "body"),
    [
        (ROW, "application/pidf+xml", b"Out"),
        (ROW, "application/dialog-info+xml", b"In"),
        (replace(ROW, id="sub-2"), "application/pidf+xml", b"In"),
        (replace(ROW, remote_cseq=ROW.remote_cseq + 1), "application/pidf+xml", b"In"),
        (replace(ROW, remote_target="sip:bob@192.0.2.8"), "application/pidf+xml", b"In"),
        (replace(ROW, state="pending"), "application/pidf+xml", b"In"),
    ],
    ids=["document", "type", "watcher", "refreshed since", "moved", "state"],
)
def test_whatever_else_is_news_makes_another_mark(row, media_type: str, body: bytes) -> None:
    assert mark(row, digest(media_type, body)) != mark(ROW, IN)


@given(st.frozensets(st.binary(min_size=SIZE, max_size=SIZE)))
def test_packing_keeps_every_mark_and_no_order(marks: frozenset[bytes]) -> None:
    assert unpacked(packed(marks)) == marks
    assert packed(sorted(marks)) == packed(sorted(marks, reverse=True))
