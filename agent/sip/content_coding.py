"""Bodies that were packed for the way (RFC 3261 §20.12; RFC 9110 §8.4.1 has the codings)."""

import zlib
from collections.abc import Sequence

CODINGS = ("identity", "deflate", "gzip")
"The value of Accept-Encoding."
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class UnknownCoding(ValueError):
    """One that is not among `CODINGS`."""


class TooLong(ValueError):
    """Unpacked it would be longer than allowed."""


def decoded(body: bytes, codings: Sequence[str], limit: int) -> bytes:
    """The body as it was before ``codings`` (Content-Encoding, in the order in which they were applied).

    At most ``limit`` bytes are unpacked. Raises UnknownCoding, TooLong, or ValueError for a body that is broken.
    """
    for coding in reversed(codings):
        name = coding.strip().lower()
        if name == "identity":
            continue
        if name not in _WINDOW:
            raise UnknownCoding(coding)
        body = _inflated(body, name, limit)
    return body


def _inflated(body: bytes, name: str, limit: int) -> bytes:
    try:
        return _unpack(body, _WINDOW[name], limit)
    except zlib.error as error:
        if name != "deflate":
            raise ValueError(str(error)) from None
    try:
        # COMPAT(several): the coding's name says DEFLATE, and they took it at its word: without the frame of zlib.
        return _unpack(body, -zlib.MAX_WBITS, limit)
    except zlib.error as error:
        raise ValueError(str(error)) from None


def _unpack(body: bytes, window: int, limit: int) -> bytes:
    stream = zlib.decompressobj(window)
    text = stream.decompress(body, limit + 1)
    if len(text) > limit:
        raise TooLong
    if not stream.eof:
        raise ValueError("ends too early")
    return text
