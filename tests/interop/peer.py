"""The other end of a conversation with a foreign program: publishes and watches over UDP from an address that the
service under test trusts, and waits for what it wants to see."""

import itertools
import socket
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from agent.documents import dialog_info, pidf
from agent.documents.rpid import Activities
from agent.sip.messages import Message, Request, Response, response_to
from agent.sip.parsing import parse_datagram
from tests.interop.program import PATIENCE

HOST = "127.0.0.2"
"Trusted by the services of these tests."
DOMAIN = "example.org"
_serials = itertools.count(1)
Shown = TypeVar("Shown")


class State(StrEnum):
    """What every program can say or show in one way or another."""

    AVAILABLE = "available"
    BUSY = "busy"
    OFFLINE = "offline"


def body(address: str, state: State, note: str = "") -> bytes:
    basic = "closed" if state is State.OFFLINE else "open"
    activity = "<rpid:activities><rpid:busy/></rpid:activities>" if state is State.BUSY else ""
    said = f"<note>{note}</note>" if note else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" '
        'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" '
        f'entity="{address}"><tuple id="t1"><status><basic>{basic}</basic></status>{said}</tuple>'
        f'<dm:person id="p1">{activity}</dm:person></presence>\n'
    ).encode()


def state_of(document: pidf.Presence) -> State:
    if all(each.status.basic != "open" for each in document.tuples):
        return State.OFFLINE
    activities = [e for each in document.persons for e in each.elements if isinstance(e, Activities)]
    busy = any(set(each.values) & {"busy", "on-the-phone"} for each in activities)
    return State.BUSY if busy else State.AVAILABLE


class Peer:
    """One socket; dialogs by Call-ID."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.connect(server)
        self.port: int = self._socket.getsockname()[1]
        self._tags: dict[str, str] = {}
        self._notifies: dict[str, list[Request]] = {}
        self._responses: dict[str, Response] = {}

    def close(self) -> None:
        self._socket.close()

    def publish(self, user: str, state: State, note: str = "") -> None:
        """OFFLINE takes the publication away."""
        address = f"sip:{user}@{DOMAIN}"
        tag = self._tags.pop(user, None)
        head = ["Event: presence", f"Expires: {0 if state is State.OFFLINE else 600}"]
        if tag is not None:
            head.append(f"SIP-If-Match: {tag}")
        document = b"" if state is State.OFFLINE else body(address, state, note)
        if document:
            head.append("Content-Type: application/pidf+xml")
        answer = self._ask("PUBLISH", address, address, *head, body=document)
        assert answer.status == 200, answer
        if state is not State.OFFLINE:
            self._tags[user] = answer.headers.get("SIP-ETag") or ""

    def watch(self, user: str, event: str = "presence") -> str:
        """Subscribe; returns what `until` and `until_lamp` want to know which one is meant."""
        call = f"watch{next(_serials)}@peer"
        self._notifies[call] = []
        answer = self._ask(
            "SUBSCRIBE", f"sip:{user}@{DOMAIN}", f"sip:peer@{DOMAIN}", f"Event: {event}", "Expires: 600",
            f"Contact: <sip:peer@{HOST}:{self.port}>", call_id=call,
        )  # fmt: skip
        assert answer.status == 200, answer
        return call

    def until(self, watch: str, state: State, note: str | None = None) -> pidf.Presence:
        """The first document not yet looked at that shows this."""

        def fits(document: pidf.Presence) -> bool:
            notes = [each.text for one in document.tuples for each in one.notes]
            return state_of(document) is state and (note is None or note in notes)

        return self._until(watch, pidf.parse, fits)

    def until_lamp(self, watch: str, state: str) -> dialog_info.DialogInfo:
        """The first document that has a dialog in this state; "dark": that has none."""

        def fits(info: dialog_info.DialogInfo) -> bool:
            states = [each.state for each in info.dialogs if each.state != "terminated"]
            return state in (states or ["dark"])

        return self._until(watch, dialog_info.parse, fits)

    def _until(self, watch: str, parse: Callable[[bytes], Shown], fits: Callable[[Shown], bool]) -> Shown:
        end = time.monotonic() + PATIENCE
        seen: list[bytes] = []
        while True:
            while self._notifies[watch]:
                request = self._notifies[watch].pop(0)
                seen.append(request.body)
                if request.body and fits(document := parse(request.body)):
                    return document
            assert time.monotonic() < end, f"not seen, but {seen}"
            self._receive(end)

    def _ask(
        self, method: str, uri: str, from_: str, *lines: str, call_id: str = "", body: bytes = b""
    ) -> Response:
        serial = next(_serials)
        branch = f"z9hG4bK-peer-{self.port}-{serial}"
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <{from_}>;tag=peer{serial}",
            f"To: <{uri}>",
            f"Call-ID: {call_id or f'{serial}@peer'}",
            f"CSeq: 1 {method}",
            *lines,
            f"Content-Length: {len(body)}",
        )
        data = "\r\n".join((*head, "", "")).encode() + body
        end = time.monotonic() + PATIENCE
        while branch not in self._responses:
            assert time.monotonic() < end, f"no answer to {method} {uri}"
            self._socket.send(data)  # as often as need be: the server knows copies
            self._receive(min(end, time.monotonic() + 1))
        return self._responses.pop(branch)

    def _receive(self, end: float) -> None:
        """Take what comes until ``end``, at most one message."""
        self._socket.settimeout(max(0.01, end - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        message: Message = parse_datagram(data)
        if isinstance(message, Response):
            if message.status >= 200 and message.via.branch is not None:
                self._responses[message.via.branch] = message
            return
        self._socket.send(response_to(message.headers, 200, to_tag="peer").encode())
        if message.method == "NOTIFY" and message.call_id in self._notifies:
            self._notifies[message.call_id].append(message)
