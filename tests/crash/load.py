"""The load under which the service is killed: publishers, watchers, registrations, choices, accounts. Each remembers
what it was promised, and what it asked for without hearing an answer."""

import asyncio
import re
from dataclasses import dataclass, field
from random import Random

from agent.sip.digest import make_ha1s
from agent.sip.flows import Transport
from tests.crash.watchers import Watcher
from tests.support.callers import TCP, UDP, Callers
from tests.support.phone import document
from tests.support.served import Served

_NOTE = re.compile(rb"<note[^>]*>([^<]*)</note>")
STATES = ("dnd", "lunch", "away", "vacation")


@dataclass
class Pace:
    """When the load may ask something, and how much it was answered."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    killed: int = 0
    "How often the service was killed so far."
    answered: dict[str, int] = field(default_factory=dict)
    under_way: int = 0
    faults: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        self.answered[what] = self.answered.get(what, 0) + 1


@dataclass
class Source:
    """A publication that somebody modifies again and again (RFC 3903), and who watches it."""

    callers: Callers
    pace: Pace
    name: str
    transport: Transport
    generation: int = 0
    turn: int = 0
    etag: str | None = None
    acknowledged: str | None = None
    "The note that stands, by promise."
    possible: set[str] = field(default_factory=set)
    "Notes that may stand: asked for, never answered."
    watchers: list[Watcher] = field(default_factory=list)
    changes: bool = True

    def __post_init__(self) -> None:
        self._watch()

    @property
    def uri(self) -> str:
        return f"sip:{self.name}x{self.generation}@example.org"

    def _watch(self) -> None:
        kinds = ((UDP, "presence"), (TCP, "presence"), (UDP, "dialog"))
        self.watchers = [
            Watcher(self.callers, f"w{number}-{self.name}", self.uri, transport, package, self.pace.faults)
            for number, (transport, package) in enumerate(kinds)
        ]

    def move(self) -> None:
        """To an address of its own again: at the old one something may stand that nobody can take away any more."""
        self.generation += 1
        self.etag = self.acknowledged = None
        self.possible = set()
        self._watch()

    @property
    def is_spoilt(self) -> bool:
        return self.etag is None and bool(self.possible)

    async def publish(self) -> None:
        if self.is_spoilt:
            return
        self.turn += 1
        note = f"{self.name}-{self.turn}"
        killed = self.pace.killed
        headers = [("Event", "presence"), ("Expires", "3600"), ("Content-Type", "application/pidf+xml")]
        if self.etag is not None:
            headers.append(("SIP-If-Match", self.etag))
        self.possible.add(note)
        answer = await self.callers.ask(
            "PUBLISH", self.uri, self.transport, user=f"{self.name}x{self.generation}",
            call_id=self.callers.unique("p"), cseq=1, headers=headers, body=document(note),
        )  # fmt: skip
        if answer is None:
            return
        if answer.status == 200 and (killed == self.pace.killed or self.etag is not None):
            self.etag, self.acknowledged, self.possible = answer.headers.get("SIP-ETag"), note, set()
            self.pace.count("PUBLISH")
        elif answer.status == 412:
            if killed == self.pace.killed and self.possible == {note}:
                self.pace.faults.append(f"{self.uri}: the publication with tag {self.etag} is lost")
            self.etag = (
                None  # what was asked for without an answer had been heard: it stands, under a tag unknown
            )

    def judged(self, body: bytes) -> str | None:
        """What is wrong with a presence document of it; None: nothing."""
        notes = {note.decode() for note in _NOTE.findall(body)}
        allowed = self.possible | ({self.acknowledged} if self.acknowledged else set())
        if not notes <= allowed:
            return f"{self.uri} shows {sorted(notes)}, which nobody published last; possible is {sorted(allowed)}"
        if self.acknowledged and self.etag and not notes:
            return f"{self.uri}: {self.acknowledged} was acknowledged and is not shown"
        if self.acknowledged and not self.possible and notes != {self.acknowledged}:
            return f"{self.uri}: {self.acknowledged} was acknowledged, {sorted(notes)} is shown"
        return None


@dataclass
class Registrant:
    """A phone that registers one more contact each time."""

    callers: Callers
    pace: Pace
    name: str
    cseq: int = 0
    bound: set[str] = field(default_factory=set)

    async def register(self) -> None:
        self.cseq += 1
        contact = f"sip:{self.name}@192.0.2.{self.cseq % 5}"
        answer = await self._ask([("Contact", f"<{contact}>"), ("Expires", "3600")])
        if answer is not None and answer.status == 200:
            self.bound.add(contact)
            self.pace.count("REGISTER")

    async def check(self) -> None:
        self.cseq += 1
        answer = await self._ask([])
        if answer is not None and answer.status == 200:
            listed = " ".join(answer.headers.values("Contact"))
            for contact in self.bound:
                if contact not in listed:
                    self.pace.faults.append(f"{self.name}: the registration of {contact} is lost")

    async def _ask(self, headers: list[tuple[str, str]]):
        return await self.callers.ask(
            "REGISTER", "sip:example.org", UDP, user=self.name, to=f"sip:{self.name}@example.org",
            call_id=f"r-{self.name}", cseq=self.cseq, headers=headers, contact=False,
        )  # fmt: skip


@dataclass
class Person:
    """Somebody of the settings who chooses by hand, and accounts that an administrator makes meanwhile."""

    served: Served
    pace: Pace
    key: str
    chosen: str | None = None
    possible: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    turn: int = 0

    async def choose(self, random: Random) -> None:
        state = random.choice(STATES)
        self.possible.add(state)
        status, _ = await self.served.ask("POST", f"/v1/people/{self.key}/choice", {"text": state})
        if status == 200:
            self.chosen, self.possible = state, set()
            self.pace.count("choice")

    async def add_user(self) -> None:
        self.turn += 1
        name = f"{self.key}{self.turn}"
        hashes = {name: make_ha1s(name, "example.org", "password")}
        status, _ = await self.served.ask("POST", "/v1/users", {"users": hashes, "must": "be new"})
        if status == 200:
            self.users.add(name)
            self.pace.count("user")

    async def check(self) -> None:
        status, board = await self.served.ask("GET", "/v1/board")
        shown = {row["person"]: row["state"] for row in board}[self.key] if status == 200 else None
        if shown is not None and self.chosen and shown not in {self.chosen, *self.possible}:
            self.pace.faults.append(f"{self.key} chose {self.chosen} and is shown as {shown}")
        status, listed = await self.served.ask("GET", "/v1/users")
        lost = self.users - {row["username"] for row in listed} if status == 200 else set()
        self.pace.faults.extend(f"the account {name} is lost" for name in sorted(lost))
