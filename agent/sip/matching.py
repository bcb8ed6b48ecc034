"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2s
from typing import Final

from agent.sip.messages import Request
from agent.sip.server_transactions import Key

MAGIC_COOKIE: Final = "z9hG4bK"


def server_key(request: Request) -> Key:
    """Branch, sent-by and method; without the magic cookie the RFC 2543 rules. An ACK matches its INVITE."""
    via = request.via
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.branch
    if branch is not None and branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
        return (branch, via.sent_by, method)
    return (
        "2543",
        request.uri,
        # The To tag of an ACK comes from our response, which the INVITE had not: it can't be compared.
        "" if method == "INVITE" else request.to.tag or "",
        request.from_.tag or "",
        request.call_id,
        str(request.cseq.number),
        request.headers.values("Via")[0].partition(";received=")[0],
        method,
    )


def cancel_key(request: Request, method: str) -> Key:
    """The key of the transaction of ``method`` that a CANCEL aims at."""
    key = server_key(request)
    return (*key[:-1], method)


def is_cancelled(request: Request, known: Mapping[Key, object]) -> bool:
    """Whether a CANCEL aims at one of the transactions that are known by their keys (RFC 3261 §9.2)."""
    methods = ("SUBSCRIBE", "PUBLISH", "MESSAGE", "REGISTER", "NOTIFY", "OPTIONS", "INVITE")
    return any(cancel_key(request, method) in known for method in methods)


def to_tag(request: Request, secret: bytes) -> str:
    """The To tag of every response to this request: a pure function of it (RFC 3261 §8.2.7, §19.3)."""
    value = request.headers.firsts().get
    text = f"{value('Call-ID') or ''}|{value('From')}|{value('CSeq')}|{value('Via') or ''}"
    return blake2s(text.encode("utf-8", "surrogateescape"), key=secret, digest_size=8).hexdigest()


def merge_key(request: Request) -> Key:
    """Equal for copies of one request that came over several paths (RFC 3261 §8.2.2.2)."""
    return (request.from_.tag or "", request.call_id, str(request.cseq.number), request.method)


_PLAIN_VIA: Final = re.compile(
    r"Via: SIP/2\.0/[A-Z]+ ([A-Za-z0-9.:\[\]-]+)(?:;(?!(?i:branch))[\w.:=\[\]-]+)*;branch=", re.ASCII
).fullmatch
_PLAIN_PARAMS: Final = re.compile(r"(?:;[\w.:=\[\]-]+)*", re.ASCII).fullmatch
_STATUS: Final = {f"SIP/2.0 {status} ": status for status in range(100, 700)}
_MAX_HEAD: Final = 8_192


def scan_response(data: bytes, cookie: str = MAGIC_COOKIE) -> tuple[int, str, str, str] | None:
    """(status, branch, sent-by, CSeq method) of a plainly written response with one Via, at the top, and no body.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. ``cookie``: how each branch
    of ours begins. None: take the long way. It looks only at what a transaction stands on, and reads that as `parsing`
    does; the caller compares sent-by with its own. Line by line, because one expression for the whole head goes through
    it byte by byte, which costs three times as much.
    """
    if len(data) > _MAX_HEAD:
        return None
    lines = data.decode("latin-1").split("\r\n")
    last = len(lines) - 2
    if last < 3 or lines[last] or lines[last + 1]:
        return None
    status = _STATUS.get(lines[0][:12])
    start, _, rest = lines[1].partition(cookie)
    unique, semicolon, params = rest.partition(";")
    sent_by = _sent_by_in(start)
    if status is None or sent_by is None or not (unique.isalnum() and unique.isascii()):
        return None
    if semicolon and params != "rport" and not _are_plain(params):
        return None
    method: str | None = None
    is_empty = False
    for number in range(2, last):
        line = lines[number]
        if not line or line[0] in "Vv \t":
            return None  # a body, perhaps another Via, a folded line
        if line == "Content-Length: 0":
            is_empty = True
        elif method is None and line.startswith("CSeq: "):
            digits, _, method = line[6:].partition(" ")
            if not (
                digits.isascii()
                and digits.isdigit()
                and len(digits) < 10
                and method.isalpha()
                and method.isascii()
            ):
                return None
    if method is None or not is_empty:
        return None
    return status, cookie + unique, sent_by, method


@lru_cache(maxsize=4096)
def _sent_by_in(start: str) -> str | None:
    """What a Via names that begins so, up to its branch; None: it is not plainly written."""
    found = _PLAIN_VIA(start)
    return found[1] if found is not None else None


@lru_cache(maxsize=4096)
def _are_plain(params: str) -> bool:
    return _PLAIN_PARAMS(f";{params}") is not None
