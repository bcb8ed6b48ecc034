"""Everything that comes and goes in a day, in minutes: subscriptions, publications, registrations, connections, floods.

Each job is one small thing that happens again and again. None of them is tidy: half of what they begin they forget,
and the service has to get rid of it by itself.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from random import Random

from agent.sip.flows import Transport
from tests.support.callers import TCP, UDP, Callers
from tests.support.phone import document
from tests.support.served import Served

PRESENTITIES = 300
LIVES = (60, 61, 75, 90)
"Seconds of subscriptions, publications, registrations."
BRIEF_LIVES = (3, 4, 5)


class Churn:
    """``trusted``: callers from an address that needs no password; ``strangers``: from one that does."""

    def __init__(
        self,
        served: Served,
        trusted: Callers,
        strangers: Callers,
        random: Random,
        lives: tuple[int, ...] = LIVES,
    ) -> None:
        self.served = served
        self.trusted = trusted
        self.strangers = strangers
        self.random = random
        self.lives = lives
        self.answers: Counter[tuple[str, int]] = Counter()
        "By what was done and status; 0: no answer."
        self._dialogs: list[tuple[str, str, str, Transport, int, str]] = []
        self._tags: dict[str, str] = {}
        for number in range(20):
            trusted.dialogs[f"known{number}"] = lambda request: 200

    def jobs(self) -> dict[str, float]:
        """Method name -> seconds between two."""
        return {
            "subscribe": 0.03,
            "refresh": 0.03,
            "unsubscribe": 0.06,
            "fetch_from_nowhere": 0.05,
            "publish": 0.03,
            "register": 0.1,
            "guess_a_password": 0.1,
            "flood": 1.0,
            "garbage": 0.2,
            "connect_and_vanish": 0.1,
            "connect_and_stall": 1.0,
            "choose": 1.0,
        }

    def _somebody(self) -> str:
        return f"sip:p{self.random.randrange(PRESENTITIES)}@example.org"

    async def subscribe(self) -> None:
        transport, uri = self.random.choice((UDP, UDP, TCP)), self._somebody()
        call_id, package = self.trusted.unique("soak"), self.random.choice(("presence", "dialog"))
        self.trusted.dialogs[call_id] = lambda request: 200
        answer = await self.trusted.ask(
            "SUBSCRIBE", uri, transport, user=f"w{self.random.randrange(500)}", call_id=call_id, cseq=1,
            headers=[("Event", package), ("Expires", str(self.random.choice(self.lives)))],
        )  # fmt: skip
        self._count("subscribe", answer)
        if answer is not None and answer.status == 200:
            self._dialogs.append((call_id, uri, answer.to.tag or "", transport, 1, package))
            if len(self._dialogs) > 1000:  # forgotten: it ends by a 481, or by its expiry
                self.trusted.dialogs.pop(self._dialogs.pop(0)[0], None)
        else:
            self.trusted.dialogs.pop(call_id, None)

    async def refresh(self) -> None:
        await self._in_dialog(str(self.random.choice(self.lives)), keep=True)

    async def unsubscribe(self) -> None:
        await self._in_dialog("0", keep=False)

    async def _in_dialog(self, expires: str, keep: bool) -> None:
        if not self._dialogs:
            return
        call_id, uri, tag, transport, cseq, package = self._dialogs.pop(
            self.random.randrange(len(self._dialogs))
        )
        # The same user as before is not known here: a trusted caller may speak for everybody.
        answer = await self.trusted.ask(
            "SUBSCRIBE", uri, transport, user="w0", call_id=call_id, cseq=cseq + 1, to_tag=tag,
            headers=[("Event", package), ("Expires", expires)],
        )  # fmt: skip
        self._count("refresh" if keep else "unsubscribe", answer)
        if keep and answer is not None and answer.status == 200:
            self._dialogs.append((call_id, uri, tag, transport, cseq + 1, package))
        else:
            asyncio.get_running_loop().call_later(2, self.trusted.dialogs.pop, call_id, None)

    async def fetch_from_nowhere(self) -> None:
        """Anybody may ask about any address; none of them may be kept in mind."""
        call_id = f"known{self.random.randrange(20)}"
        answer = await self.trusted.ask(
            "SUBSCRIBE", f"sip:x{self.random.randrange(10**9)}@example.org", UDP, user="w", call_id=call_id,
            cseq=self.random.randrange(1, 2**31), headers=[("Event", "presence"), ("Expires", "0")],
        )  # fmt: skip
        self._count("fetch", answer)

    async def publish(self) -> None:
        uri = self._somebody()
        tag = self._tags.pop(uri, None)
        headers = [
            ("Event", "presence"),
            ("Expires", str(self.random.choice((0, *self.lives) if tag else self.lives))),
            ("Content-Type", "application/pidf+xml"),
            *([("SIP-If-Match", tag)] if tag else []),
        ]
        body = b"" if headers[1][1] == "0" else document(f"note {self.random.random()}")
        answer = await self.trusted.ask(
            "PUBLISH", uri, self.random.choice((UDP, TCP)), user=uri[4:].partition("@")[0],
            call_id=self.trusted.unique("p"), cseq=1, headers=headers, body=body,
        )  # fmt: skip
        self._count("publish", answer)
        if answer is not None and answer.status == 200 and self.random.random() < 0.9:
            self._tags[uri] = answer.headers.get("SIP-ETag") or ""

    async def register(self) -> None:
        user = f"r{self.random.randrange(50)}"
        answer = await self.trusted.ask(
            "REGISTER", "sip:example.org", UDP, user=user, to=f"sip:{user}@example.org",
            call_id=self.trusted.unique("r"), cseq=1, contact=False,
            headers=[
                ("Contact", f"<sip:{user}@192.0.2.{self.random.randrange(3)}>"),
                ("Expires", str(self.random.choice(self.lives))),
            ],
        )  # fmt: skip
        self._count("register", answer)

    async def guess_a_password(self) -> None:
        digest = (
            f'Digest username="u{self.random.randrange(10**6)}", realm="example.org", nonce="{self.random.random()}", '
            'uri="sip:p1@example.org", response="0123456789abcdef0123456789abcdef"'
        )
        answer = await self.strangers.ask(
            "PUBLISH", "sip:p1@example.org", UDP, user="p1", call_id=self.strangers.unique("g"), cseq=1,
            headers=[("Event", "presence"), *([("Authorization", digest)] if self.random.random() < 0.8 else [])],
        )  # fmt: skip
        self._count("guess", answer)

    async def flood(self) -> None:
        """Hundreds or thousands of well-formed requests at once, from one of many addresses."""
        count = self.random.choice((100, 200, 300, 3000))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((f"127.{self.random.randrange(1, 250)}.{self.random.randrange(1, 250)}.9", 0))
            host, port = sock.getsockname()
            for number in range(count):
                lines = (
                    "OPTIONS sip:example.org SIP/2.0",
                    f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{port}x{number}",
                    "From: <sip:f@example.org>;tag=1",
                    "To: <sip:example.org>",
                    f"Call-ID: {port}-{number}@{host}",
                    "CSeq: 1 OPTIONS",
                    "Content-Length: 0",
                )
                sock.sendto("\r\n".join((*lines, "", "")).encode(), self.served.address)
        self.answers["flood", 0] += count

    async def garbage(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(20):
                sock.sendto(self.random.randbytes(self.random.randrange(1, 1200)), self.served.address)
        self.answers["garbage", 0] += 20

    async def connect_and_vanish(self) -> None:
        await self._connection(
            b"SUBSCRIBE sip:p1@example.org SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1", stays=False
        )

    async def connect_and_stall(self) -> None:
        """A message that is never finished: the service has to hang up by itself."""
        await self._connection(b"PUBLISH sip:p1@example.org SIP/2.0\r\nContent-Length: 5000\r\n", stays=True)

    async def _connection(self, begins: bytes, stays: bool) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, self.served.address)
            await loop.sock_sendall(sock, begins)
            if stays:
                await loop.sock_recv(sock, 1000)
            else:
                await asyncio.sleep(self.random.random())
            self.answers["stalled connection" if stays else "connection", 0] += 1

    async def choose(self) -> None:
        state = self.random.choice(("dnd 1m", "lunch 2m", "away", "auto"))
        status, _ = await self.served.ask("POST", "/v1/people/alice/choice", {"text": state})
        self.answers["choose", status] += 1

    def _count(self, what: str, answer: object) -> None:
        self.answers[what, getattr(answer, "status", 0)] += 1
