"""Reads a request's body as far as the limits go: size, size when unpacked, depth, time, and memory over all."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping

from agent.web.ingress.depth import json_depth, xml_depth
from agent.web.ingress.refusal import Refusal, overloaded

READ_WITHIN = 20.0
"Seconds that a sender has for its body."
DEEPEST = 32
"Levels of JSON or XML."
UNPACKERS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Memory:
    """Bytes of bodies that are held at the same time, over all requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def take(self, size: int) -> None:
        """Raises Refusal (503)."""
        if self.held + size > self._most:
            raise overloaded("too much is being taken in at once")
        self.held += size

    def give_back(self, size: int) -> None:
        self.held -= size


async def read_body(
    chunks: AsyncIterator[bytes], headers: Mapping[str, str], limit: int, memory: Memory
) -> tuple[bytes, bytes]:
    """(the bytes as they came, the bytes unpacked). Raises Refusal: 400, 408, 413, 415, 503.

    The caller gives ``memory`` back what both hold, when it is done with them.
    """
    declared = headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit():
        raise Refusal(400, "Content-Length is not a number")
    if int(declared) > limit:
        raise _too_large(limit)
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity" and encoding not in UNPACKERS:
        raise Refusal(415, "this Content-Encoding is not taken", {"Accept-Encoding": "gzip, deflate"})
    received = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN):
            async for chunk in chunks:
                if len(received) + len(chunk) > limit:
                    raise _too_large(limit)
                memory.take(len(chunk))
                received += chunk
        raw = bytes(received)
        if encoding == "identity":
            return raw, raw
        unpacked = _unpacked(raw, UNPACKERS[encoding], limit)
        memory.take(len(unpacked))
    except BaseException as error:
        memory.give_back(len(received))
        if isinstance(error, TimeoutError):
            raise Refusal(408, "the body did not come in time") from None
        raise
    return raw, unpacked


def held(raw: bytes, body: bytes) -> int:
    """How much memory the two hold."""
    return len(raw) if raw is body else len(raw) + len(body)


def check_depth(media_type: str, body: bytes) -> None:
    """Raises Refusal (422). ``media_type`` without parameters, in lower case."""
    if media_type.endswith("xml"):
        depth = xml_depth(body)
        if depth is None:
            raise Refusal(422, "XML with type definitions is not taken")
    elif media_type.endswith("json") or body.lstrip()[:1] in (b"{", b"["):
        depth = json_depth(body)
    else:
        return
    if depth > DEEPEST:
        raise Refusal(422, f"nested more than {DEEPEST} levels deep")


def _unpacked(raw: bytes, window: int, limit: int) -> bytes:
    unpacker = zlib.decompressobj(window)
    try:
        body = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        raise Refusal(400, "the body is not packed as Content-Encoding says") from None
    if len(body) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        raise Refusal(400, "the packed body is cut short")
    return body


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"at most {limit} bytes are taken, unpacked or not")
