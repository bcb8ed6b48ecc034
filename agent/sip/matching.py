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


def scan_response(data: bytes) -> tuple[int, str, bytes] | None:
    """(status, branch, CSeq method) of a response with one plain Via, without building a message.

    The short path for answers to our NOTIFYs: at ten o'clock there is one for every lamp. None: take the long way.
    """
    via = data.find(b"\r\nVia:")
    if via < 0 or data.find(b"\r\nVia:", via + 6) >= 0:
        return None
    line_end = data.find(b"\r\n", via + 6)
    branch = data.find(b";branch=", via, line_end)
    cseq = data.find(b"\r\nCSeq:")
    end_of_head = data.find(b"\r\n\r\n")
    if branch < 0 or cseq < 0 or end_of_head < 0 or cseq > end_of_head or via > end_of_head:
        return None
    if data.find(b",", via, line_end) >= 0 or data[8:11].isdigit() is False:
        return None
    stop = data.find(b";", branch + 8, line_end)
    value = data[branch + 8 : stop if stop >= 0 else line_end]
    method = data[cseq + 7 : data.find(b"\r\n", cseq + 7)].rpartition(b" ")[2]
    try:
        return int(data[8:11]), value.decode("ascii").strip(), method
    except UnicodeDecodeError:
        return None
