"""Packed bodies: what goes in comes out, and nothing that comes in can do harm."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.content_coding import TooLong, UnknownCoding, decoded

PACKERS = {
    "deflate": zlib.compress,
    "Deflate": lambda body: zlib.compress(body)[2:-4],
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "identity": lambda body: body,
}


@given(st.binary(max_size=300), st.lists(st.sampled_from(sorted(PACKERS)), max_size=3))
def test_what_was_packed_comes_out_again(body: bytes, codings: list[str]) -> None:
    packed = body
    for name in codings:
        packed = PACKERS[name](packed)
    assert decoded(packed, codings, 10_000) == body


@given(st.binary(max_size=300), st.sampled_from(["deflate", "gzip"]))
def test_garbage_is_a_value_error(body: bytes, name: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(decoded(body, [name], 1000)) <= 1000


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(TooLong):
        decoded(zlib.compress(b"\0" * 100_000_000), ["deflate"], 32_768)
    assert len(decoded(zlib.compress(b"\0" * 32_768), ["deflate"], 32_768)) == 32_768


@pytest.mark.parametrize("cut", [0, 5, -1])
def test_a_body_that_ends_too_early(cut: int) -> None:
    with pytest.raises(ValueError, match="early"):
        decoded(zlib.compress(b"something to lose")[:cut], ["deflate"], 1000)


def test_an_unknown_coding() -> None:
    with pytest.raises(UnknownCoding):
        decoded(b"x", ["br"], 1000)
