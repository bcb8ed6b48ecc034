"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2)."""

import re

from agent.sip.headers import SINGLE, SPELLINGS
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


_VISIBLE = rb"[!#-+\--:=?-~]"  # all but quotes, commas, semicolons and angle brackets
_HOST = rb"(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])"
_PORT = rb"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
_PLAIN_VIA = re.compile(
    rb"[ \t]*SIP/2\.0/[A-Z]+ (%b%b)(?:;%b+)*?;branch=(%b+)(?:;%b+)*"
    % (_HOST, _PORT, _VISIBLE, _VISIBLE, _VISIBLE)
)
"One Via as nearly everybody sends it: sent-by and branch."

_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_BITS = {name.encode(): 1 << index for index, name in enumerate((*_NEEDED, *sorted(SINGLE - {*_NEEDED})))}
_ALL_NEEDED = (1 << len(_NEEDED)) - 1
_ROLES: dict[bytes, int] = {name.encode(): 0 for name, long in SPELLINGS.items() if name == long} | _BITS
"Headers in their plain spelling -> their bit, if they may stand only once; 0 for those that don't matter here."
_MAX_HEAD = 8_192


def scan_response(data: bytes) -> tuple[int, str, str, str] | None:
    """(status, branch, sent-by, CSeq method) of a plainly written response with one Via, without building a message.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. None: take the long way. What
    is accepted here `parsing` would accept too, with the same outcome, but for the insides of From and To.
    """
    end = data.find(b"\r\n\r\n", 0, _MAX_HEAD)
    status = data[8:11]
    if end < 0 or data[:8] != b"SIP/2.0 " or data[11:12] != b" " or not b"100" <= status <= b"699":
        return None
    lines = data[:end].split(b"\r\n")
    count = len(lines) - 1
    if (
        count > 50
        or data.count(b"\n", 0, end) != count
        or data.count(b"\r", 0, end) != count
        or not status.isdigit()
    ):
        return None
    seen = 0
    via = cseq = length = b""
    for index in range(1, count + 1):
        name, _, value = lines[index].partition(b":")
        bit = _ROLES.get(name)
        if bit is None or seen & bit:
            return None
        if bit:
            seen |= bit
            if name == b"Via":
                via = value
            elif name == b"CSeq":
                cseq = value
            elif name == b"Content-Length":
                length = value
            elif len(value) < 3:
                return None
    plain = _PLAIN_VIA.fullmatch(via)
    number, _, method = cseq.strip(b" ").partition(b" ")
    if (
        seen & _ALL_NEEDED != _ALL_NEEDED
        or plain is None
        or via.lower().count(b"branch") != 1
        or not (number.isdigit() and len(number) <= 10 and int(number) < 2**32 and method.isalpha())
    ):
        return None
    if length:
        digits = length.strip(b" ")
        if not (digits.isdigit() and len(digits) <= 5 and int(digits) <= len(data) - end - 4):
            return None
    sent_by, branch = plain.groups()
    return int(status), branch.decode(), sent_by.decode(), method.decode()
