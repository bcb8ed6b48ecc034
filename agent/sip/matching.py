"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2)."""

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


_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~ :;=[]"
"What a Via holds that needs no second look: no quotes, commas, angle brackets, tabs."
_MAX_HEAD = 8_192


def scan_response(data: bytes) -> tuple[int, str, str, str] | None:
    """(status, branch, sent-by, CSeq method) of a plainly written response with one Via and no body.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. None: take the long way. It
    looks only at what a transaction stands on, and reads that as `parsing` does; the caller compares sent-by with its
    own.
    """
    # rfind takes half the time of find; the last line that begins like a Via must be the first one too.
    via = data.rfind(b"\r\nV")
    cseq = data.rfind(b"\r\nCSeq: ")
    status = data[8:11]
    if (
        cseq < 0
        or not data.startswith(b"\r\nVia: SIP/2.0/", via)
        or data.find(b"\r\nV", 0, via + 2) >= 0
        or data.rfind(b"\r\nv") >= 0
        or not status.isdigit()
        or not b"100" <= status <= b"699"
        or data[:8] + data[11:12] != b"SIP/2.0  "
        or not (data.endswith(b"\r\nContent-Length: 0\r\n\r\n") or _is_empty(data))
        or data.rfind(b"\r\n\r\n", 0, -4) >= 0
        or len(data) > _MAX_HEAD
    ):
        return None
    via_end, cseq_end = data.find(b"\r\n", via + 2), data.find(b"\r\n", cseq + 2)
    line = data[via + 15 : via_end]
    before, _, after = line.partition(b";branch=")
    branch = after.partition(b";")[0]
    number, _, method = data[cseq + 8 : cseq_end].partition(b" ")
    if (
        not branch
        or line.translate(None, _PLAIN)
        or line.count(b" ") != 1
        or (b";" in before and b"branch" in before.lower())
        or data[via_end + 2] in b" \t"
        or data[cseq_end + 2] in b" \t"
        or not number.isdigit()
        or not (len(number) < 10 or (len(number) == 10 and number < b"4294967296"))
        or not method.isalpha()
    ):
        return None
    sent_by = before.partition(b";")[0].partition(b" ")[2]
    return int(status), branch.decode(), sent_by.decode("latin-1"), method.decode()


def _is_empty(data: bytes) -> bool:
    """No body, and a Content-Length somewhere that says so."""
    return data.endswith(b"\r\n\r\n") and data.rfind(b"\r\nContent-Length: 0\r\n") >= 0
