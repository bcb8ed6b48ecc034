"""A scripted SIP party: writes its messages as text, so that it can be wrong on purpose, and remembers what it got."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from agent.documents import pidf
from agent.sip.errors import MessageError
from agent.sip.messages import Request, Response, response_to
from agent.sip.parsing import parse_datagram
from agent.sip.values import parse_name_addr
from tests.support.wire import SERVER, Address, Wire

ALICE = "sip:alice@example.org"
PIDF = "application/pidf+xml"
PATIENCE = 40.0
"Virtual seconds that an answer may take: longer than any transaction lives."

MessageT = TypeVar("MessageT", Request, Response)
Script = Callable[[Request], int | tuple[int, list[tuple[str, str]]] | None]
"A request -> status, or (status, headers) to answer with; None: keep silent."


@dataclass(slots=True)
class Got:
    """One message that arrived."""

    at: float
    source: Address
    message: Request | Response
    data: bytes


class Phone:
    """Answers every request with 200 unless ``script`` says otherwise. Retransmits nothing by itself."""

    def __init__(
        self, wire: Wire, user: str = "bob", host: str = "192.0.2.50", server: Address = SERVER
    ) -> None:
        self.wire = wire
        self.user = user
        self.address: Address = (host, 5060)
        self.server = server
        self.uri = f"sip:{user}@example.org"
        self.contact = f"<sip:{user}@{host}:5060>"
        self.script: Script = lambda request: 200
        self.got: list[Got] = []
        self.unreadable: list[bytes] = []
        "Requests that came and were none."
        self._unread: deque[Got] = deque()
        self._arrival = asyncio.Event()
        self._serial = 0
        wire.bind(self.address, self)

    # -- sending -------------------------------------------------------------------------------------------------

    def unique(self, prefix: str) -> str:
        """A token that this phone has not used yet."""
        self._serial += 1
        return f"{prefix}-{self.address[0]}-{self._serial}"

    def send(self, data: bytes) -> None:
        self.wire.carry(self.address, self.server, data)

    def compose(
        self,
        method: str,
        *lines: str,
        uri: str = ALICE,
        from_: str | None = None,
        to: str | None = None,
        call_id: str | None = None,
        cseq: int = 1,
        branch: str | None = None,
        body: bytes = b"",
        length: int | None = None,
    ) -> bytes:
        """The bytes of a request; ``lines`` are further header lines. ``length``: what Content-Length says."""
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch={branch or self.unique('z9hG4bK')};rport",
            "Max-Forwards: 70",
            "From: " + (from_ or f"<{self.uri}>;tag={self.unique('f')}"),
            f"To: {to or f'<{uri}>'}",
            f"Call-ID: {call_id or self.unique('call')}",
            f"CSeq: {cseq} {method}",
            *lines,
            f"Content-Length: {len(body) if length is None else length}",
        )
        return "\r\n".join((*head, "", "")).encode("utf-8", "surrogateescape") + body

    async def ask(self, data: bytes) -> Response:
        """Send a request and wait for its final response."""
        self.send(data)
        branch = re.split(rb"[;,\s]", data.partition(b";branch=")[2], maxsplit=1)[0]
        return await self.answer_to(branch.decode())

    async def answer_to(self, branch: str, within: float = PATIENCE) -> Response:
        """The final response to the request that was sent with this branch."""
        return await self._next(
            Response, lambda answer: answer.status >= 200 and answer.via.branch == branch, within
        )

    async def publish(
        self,
        body: bytes = b"",
        *lines: str,
        uri: str = ALICE,
        expires: int | None = 600,
        etag: str | None = None,
        event: str | None = "presence",
        content_type: str | None = PIDF,
    ) -> Response:
        """One PUBLISH; for more unusual ones use `compose` and `ask`."""
        head = [*lines]
        if event is not None:
            head.append(f"Event: {event}")
        if expires is not None:
            head.append(f"Expires: {expires}")
        if etag is not None:
            head.append(f"SIP-If-Match: {etag}")
        if body and content_type is not None:
            head.append(f"Content-Type: {content_type}")
        return await self.ask(self.compose("PUBLISH", *head, uri=uri, body=body))

    async def subscribe(self, *lines: str, uri: str = ALICE, **options: object) -> "Subscribed":
        """A new subscription, granted or refused: look at its ``answer``."""
        subscribed = Subscribed(self, uri)
        await subscribed.ask(*lines, **options)  # type: ignore[arg-type]
        return subscribed

    # -- receiving -----------------------------------------------------------------------------------------------

    def arrived(self, data: bytes, source: Address) -> None:
        try:
            message = parse_datagram(data)
        except MessageError as error:
            if error.is_request:
                self.unreadable.append(data)
                return
            # The answer to a request without From has none either.
            message = Response(int(data[8:11]), headers=error.headers)
        got = Got(asyncio.get_running_loop().time(), source, message, data)
        self.got.append(got)
        self._unread.append(got)
        self._arrival.set()
        if isinstance(message, Request):
            outcome = self.script(message)
            if outcome is not None:
                status, headers = outcome if isinstance(outcome, tuple) else (outcome, [])
                self.respond(message, status, headers)

    def respond(self, request: Request, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        self.send(response_to(request.headers, status, to_tag="p", headers=headers).encode())

    async def notify(self, within: float = PATIENCE) -> Request:
        """The next NOTIFY that was not looked at yet."""
        return await self._next(Request, lambda request: request.method == "NOTIFY", within)

    async def quiet(self, seconds: float) -> None:
        """So much time in which no request comes."""
        before = len(self.requests)
        await asyncio.sleep(seconds)
        news = self.requests[before:]
        assert not news, f"unexpected {news[0].method}: {news[0].headers.get('Subscription-State')}"

    @property
    def requests(self) -> list[Request]:
        """All requests that ever arrived, copies included."""
        return [got.message for got in self.got if isinstance(got.message, Request)]

    @property
    def notifies(self) -> list[Request]:
        """Every NOTIFY once, in order of arrival."""
        return list({request.via.branch: request for request in self.requests}.values())

    def forget(self) -> None:
        """What came until now counts as looked at."""
        self._unread.clear()

    async def _next(
        self, kind: type[MessageT], wanted: Callable[[MessageT], bool], within: float
    ) -> MessageT:
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            for got in self._unread:
                if isinstance(got.message, kind) and wanted(got.message):
                    self._unread.remove(got)
                    return got.message
            self._arrival.clear()
            if loop.time() >= end:
                seen = ", ".join(repr(got.message) for got in self._unread) or "nothing"
                raise AssertionError(f"the wanted {kind.__name__} did not come in {within} s; unread: {seen}")
            await within_time(self._arrival.wait(), end - loop.time())


@dataclass(slots=True)
class Subscribed:
    """The watcher's side of one subscription dialog."""

    phone: Phone
    uri: str
    call_id: str = ""
    from_tag: str = ""
    cseq: int = 0
    answer: Response = field(default_factory=lambda: Response(0))

    def __post_init__(self) -> None:
        self.call_id, self.from_tag = self.phone.unique("sub"), self.phone.unique("w")

    @property
    def to_tag(self) -> str | None:
        return self.answer.to.tag if self.answer.status else None

    @property
    def target(self) -> str:
        """The server's Contact."""
        return parse_name_addr(self.answer.headers.get("Contact") or "").uri

    async def ask(
        self,
        *lines: str,
        expires: int | None = 600,
        event: str | None = "presence",
        contact: str | None = None,
        cseq: int | None = None,
        uri: str | None = None,
    ) -> Response:
        """SUBSCRIBE: the first, or the next in the dialog once there is one. ``contact`` "": none."""
        response = await self.phone.ask(
            self.compose(*lines, expires=expires, event=event, contact=contact, cseq=cseq, uri=uri)
        )
        if self.answer.status // 100 != 2:
            self.answer = response
        return response

    def compose(
        self,
        *lines: str,
        expires: int | None = 600,
        event: str | None = "presence",
        contact: str | None = None,
        cseq: int | None = None,
        uri: str | None = None,
    ) -> bytes:
        self.cseq = self.cseq + 1 if cseq is None else cseq
        established = self.answer.status // 100 == 2
        head = [*lines]
        if event is not None:
            head.append(f"Event: {event}")
        if expires is not None:
            head.append(f"Expires: {expires}")
        if contact != "":
            head.append(f"Contact: {contact or self.phone.contact}")
        return self.phone.compose(
            "SUBSCRIBE",
            *head,
            uri=uri or (self.target if established else self.uri),
            from_=f"<{self.phone.uri}>;tag={self.from_tag}",
            to=f"<{self.uri}>" + (f";tag={self.to_tag}" if established else ""),
            call_id=self.call_id,
            cseq=self.cseq,
        )


async def within_time(wait: Awaitable[object], seconds: float) -> bool:
    """Wait at most so long; whether it happened."""
    try:
        await asyncio.wait_for(wait, seconds)
    except TimeoutError:
        return False
    return True


def document(
    note: str = "", *, basic: str = "open", entity: str = ALICE, tuple_id: str = "t1", contact: str = ""
) -> bytes:
    """A plain PIDF body."""
    at = f"<contact>{contact}</contact>" if contact else ""
    said = f"<note>{note}</note>" if note else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="{entity}">'
        f'<tuple id="{tuple_id}"><status><basic>{basic}</basic></status>{at}{said}</tuple></presence>'
    ).encode()


def shown(notify: Request) -> list[tuple[str | None, str]]:
    """(basic status, note) of each tuple that a NOTIFY shows."""
    assert notify.headers.get("Content-Type") == PIDF
    tuples = pidf.parse(notify.body).tuples
    return [(each.status.basic, each.notes[0].text if each.notes else "") for each in tuples]


def state(notify: Request) -> str:
    """`active`, `pending`, or `terminated;reason=…`: Subscription-State without the time left."""
    value = notify.headers.get("Subscription-State") or ""
    return ";".join(part for part in value.split(";") if not part.startswith("expires="))
