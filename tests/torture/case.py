"""The torture cases of RFC 4475 and RFC 5118, in texts of our own: what each is about is theirs, the messages are not.

``served`` is what the presence server answers when the core has let the request through; whoever tests the server can
send it the same table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from agent.sip.messages import Request, Response
from tests.support.sip import wire


class Outcome(StrEnum):
    REQUEST = "taken as a request"
    RESPONSE = "taken as a response"
    REFUSED = "answered with an error"
    DROPPED = "thrown away without a word"
    BROKEN = "answered if possible, then the connection is closed"
    WAITING = "the rest is waited for"


Message = Request | Response


@dataclass(frozen=True)
class Case:
    name: str
    section: str
    data: bytes
    udp: Outcome
    status: int | None = None
    "What the core answers when it refuses."
    tcp: Outcome | None = None
    "None: as over UDP, and the connection lives on."
    served: int | None = None
    check: Callable[[Message], None] = lambda message: None

    def __str__(self) -> str:
        return self.name


SDP = b"v=0\r\no=lamp 1 1 IN IP4 192.0.2.60\r\ns=-\r\nc=IN IP4 192.0.2.60\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
TYPE = "Content-Type: application/sdp"
CONTACT = "Contact: <sip:alice@192.0.2.50>"


def invite(*extra: str, **changes) -> bytes:
    return wire("INVITE", CONTACT, TYPE, *extra, **{"body": SDP, **changes})


def replaced(data: bytes, old: str, new: str) -> bytes:
    assert data.count(old.encode()) >= 1
    return data.replace(old.encode(), new.encode(), 1)


NOTIFY = wire("NOTIFY")
