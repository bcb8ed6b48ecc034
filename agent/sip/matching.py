"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2)."""

import re

from agent.sip.messages import Request
from agent.sip.server_transactions import Key

MAGIC_COOKIE = "z9hG4bK"


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


def merge_key(request: Request) -> Key:
    """Equal for copies of one request that came over several paths (RFC 3261 §8.2.2.2)."""
    return (request.from_.tag or "", request.call_id, str(request.cseq.number), request.method)


_T = r"[A-Za-z0-9.!%*_+`'~-]+"
_PLAIN_ANSWER = re.compile(
    r"SIP/2\.0 ([1-6][0-9][0-9]) [^\r\n]*\r\n"
    r"Via: SIP/2\.0/[A-Z]+ ([A-Za-z0-9.:\[\]-]+)(?:;(?!(?i:branch))[\w.:=\[\]-]+)*"
    rf";branch=({_T})(?:;[\w.:=\[\]-]+)*\r\n"
    r"(?:[A-UW-Za-uw-z][^\r\n]*\r\n)*?"
    r"CSeq: (?:[0-9]{1,9}) ([A-Z]+)\r\n"
    r"(?:[A-UW-Za-uw-z][^\r\n]*\r\n)*\r\n",
    re.ASCII,
).fullmatch
"Via first, and no other line that could be one (nor a folded line); no body."
_MAX_HEAD = 8_192


def scan_response(data: bytes) -> tuple[int, str, str, str] | None:
    """(status, branch, sent-by, CSeq method) of a plainly written response with one Via and no body.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. None: take the long way. It
    looks only at what a transaction stands on, and reads that as `parsing` does; the caller compares sent-by with its
    own.
    """
    if len(data) > _MAX_HEAD or b"\r\nContent-Length: 0\r\n" not in data:
        return None
    found = _PLAIN_ANSWER(data.decode("latin-1"))
    if found is None:
        return None
    status, sent_by, branch, method = found.groups()
    return int(status), branch, sent_by, method
