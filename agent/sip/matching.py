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


_BEFORE_BRANCH: Final = re.compile(
    r"SIP/2\.0 ([1-6][0-9]{2}) [^\r\n]*\r\n"
    r"Via: SIP/2\.0/[A-Z]+ ([A-Za-z0-9.:\[\]-]+)(?:;(?!(?i:branch))[\w.:=\[\]-]+)*;branch=",
    re.ASCII,
).fullmatch
_PLAIN_PARAMS: Final = re.compile(r"(?:;[\w.:=\[\]-]+)*", re.ASCII).fullmatch
_MAX_HEAD: Final = 8_192
_MAX_START: Final = 512
"Characters up to the branch, which are kept."


def scan_response(data: bytes, cookie: str = MAGIC_COOKIE) -> tuple[int, str, str, str] | None:
    """(status, branch, sent-by, CSeq method) of a plainly written response with one Via, at the top, and no body.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. ``cookie``: how each branch
    of ours begins. None: take the long way. It looks only at what a transaction stands on, and reads that as `parsing`
    does; the caller compares sent-by with its own. What it needs it searches for, and leaves the rest unread: one
    expression for the whole head goes through it byte by byte, which costs three times as much.
    """
    if len(data) > _MAX_HEAD:
        return None
    text = data.decode("latin-1")
    start = text.find(cookie)
    if not 0 < start < _MAX_START:
        return None
    # Nearly all answers begin alike, up to the branch.
    before = _before_branch(text[:start])
    end = text.find("\r\n", start)
    if before is None or end < 0 or text.find("\r\n\r\n", end) != len(text) - 4:
        return None
    unique, semicolon, params = text[start + len(cookie) : end].partition(";")
    if semicolon and params != "rport" and not _are_plain(params):
        return None
    at = text.find("\r\nCSeq: ", end) + 8
    if at < 8:
        return None
    stop = text.find("\r\n", at)
    digits, _, method = text[at:stop].partition(" ")
    if not (unique.isalnum() and digits.isdigit() and len(digits) < 10 and method.isalpha()):
        return None
    empty = text.find("\r\nContent-Length: 0\r\n", end) + 21
    if empty < 21 or not f"{unique}{digits}{method}".isascii():
        return None
    if text.find("\nV", end) >= 0 or text.find("\nv", end) >= 0:
        return None  # perhaps another Via
    if text[end + 2] in " \t" or text[stop + 2] in " \t" or text[empty] in " \t":
        return None  # a folded line
    return before[0], cookie + unique, before[1], method


@lru_cache(maxsize=4096)
def _before_branch(text: str) -> tuple[int, str] | None:
    """(status, sent-by) of a response that begins so; None: it is not plainly written."""
    found = _BEFORE_BRANCH(text)
    return (int(found[1]), found[2]) if found is not None else None


@lru_cache(maxsize=4096)
def _are_plain(params: str) -> bool:
    return _PLAIN_PARAMS(f";{params}") is not None
