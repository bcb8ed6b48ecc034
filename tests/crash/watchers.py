"""Watchers that believe nothing: every NOTIFY is checked against all that this dialog was ever told."""

import asyncio
import re
from dataclasses import dataclass, field

from agent.sip.flows import Transport
from agent.sip.messages import Request, Response
from agent.sip.values import parse_name_addr
from tests.support.callers import Callers

_VERSION = re.compile(rb'version="(\d+)"')


@dataclass
class Watcher:
    """One subscription after another to one address."""

    callers: Callers
    name: str
    uri: str
    transport: Transport
    package: str = "presence"
    faults: list[str] = field(default_factory=list)
    "What must never happen, and did."
    call_id: str = ""
    to_tag: str = ""
    "Of the dialog; empty while there is none."
    target: str = ""
    cseq: int = 0
    highest: int = 0
    "The highest CSeq of a NOTIFY of this dialog."
    connection: int = 0
    "Over which it came; 0: UDP."
    version: int = -1
    branches: set[str] = field(default_factory=set)
    "Of the NOTIFYs taken: one that comes again is a retransmission, however late the path lets it through."
    body: bytes | None = None
    "What is shown."
    notifies: int = 0
    repeated: int = 0
    "NOTIFYs that told what was shown already, but for those that were asked for."
    asked: bool = False
    "A NOTIFY is owed to a SUBSCRIBE of ours."
    lifetime: int = 3600
    "Seconds that are asked for."
    unsure: bool = False
    "An end of the subscription was asked for, and nobody said whether it was heard."

    @property
    def subscribed(self) -> bool:
        return bool(self.to_tag)

    async def subscribe(self) -> None:
        """Until somebody says yes, with a new dialog."""
        self.forget()
        self.call_id = self.callers.unique(f"{self.name}-")
        self.callers.dialogs[self.call_id] = self.notified
        answer = await self._ask(self.uri, self.lifetime)
        if answer is not None and answer.status == 200:
            self.to_tag = answer.to.tag or ""
            self.target = parse_name_addr(answer.headers.get("Contact") or "").uri
        else:
            self.forget()

    async def refresh(self) -> None:
        """What was granted once must stand."""
        answer = await self._ask(self.target, self.lifetime)
        if answer is not None and answer.status != 200:
            if answer.status == 481 and not self.unsure:
                self.faults.append(f"{self.name}: a subscription that was granted is lost")
            if answer.status == 481:
                self.forget()

    async def unsubscribe(self) -> None:
        """To be asked again while `unsure`: the subscription may have ended, durably, without a word to us."""
        self.unsure = True
        answer = await self._ask(self.target, 0)
        if answer is not None and answer.status in (200, 481):
            self.forget()

    def forget(self) -> None:
        self.callers.dialogs.pop(self.call_id, None)
        self.call_id = self.to_tag = ""
        self.branches.clear()
        self.highest, self.version, self.body, self.unsure = 0, -1, None, False

    def notified(self, request: Request) -> int:
        """The status to answer with."""
        if request.call_id != self.call_id or (self.to_tag and request.from_.tag != self.to_tag):
            return 481
        branch = request.via.branch or ""
        if branch in self.branches:
            return 200
        if request.cseq.number <= self.highest:
            if self.callers.connection != self.connection:
                # Two connections keep no order between them. When ours broke, what the service sent to where we listen
                # may come after what it sent over the new one; a user agent refuses it (RFC 3261 §12.2.2).
                return 500
            self.faults.append(f"{self.name}: CSeq went back from {self.highest} to {request.cseq.number}")
        self.highest, self.connection = request.cseq.number, self.callers.connection
        self.branches.add(branch)
        self.notifies += 1
        body = request.body
        if self.package == "dialog" and body:
            found = _VERSION.search(body)
            version = int(found[1]) if found else -1
            if version <= self.version:
                self.faults.append(f"{self.name}: version went back from {self.version} to {version}")
            self.version = version
            body = _VERSION.sub(b"", body)
        if body == self.body and not self.asked:
            self.repeated += 1
        self.asked = False
        self.body = body
        if (request.headers.get("Subscription-State") or "").startswith("terminated"):
            self.to_tag = ""
        return 200

    async def fetch(self) -> bytes | None:
        """What the service says now to somebody who only asks once; None: no answer."""
        once = Watcher(self.callers, f"{self.name}-once", self.uri, self.transport, self.package)
        once.call_id = self.callers.unique("fetch")
        told = asyncio.Event()

        def taken(request: Request) -> int:
            told.set()
            return once.notified(request)

        self.callers.dialogs[once.call_id] = taken
        try:
            answer = await once._ask(self.uri, 0)
            if answer is None or answer.status != 200:
                return None
            async with asyncio.timeout(10):
                await told.wait()
        except TimeoutError:
            return None
        finally:
            body = once.body
            once.forget()
        return body

    async def _ask(self, uri: str, expires: int) -> Response | None:
        self.cseq += 1
        self.asked = True
        return await self.callers.ask(
            "SUBSCRIBE",
            uri,
            self.transport,
            user=self.name,
            call_id=self.call_id,
            cseq=self.cseq,
            from_tag=self.name,
            to=self.uri,
            to_tag=self.to_tag,
            headers=[("Event", self.package), ("Expires", str(expires))],
        )
