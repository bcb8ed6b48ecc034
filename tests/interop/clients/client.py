"""What the tests ask of every foreign program: one class for each program drives it."""

import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import ClassVar

from tests.interop.peer import DOMAIN, State
from tests.interop.program import PATIENCE, Program

PASSWORD = "wonderland"
AGENT = f"sip:lamplighter@{DOMAIN}"


class Ability(StrEnum):
    """The columns of the table in docs/interop.md."""

    REGISTER = "register"
    WATCH = "watch presence"
    LAMP = "watch a lamp"
    PUBLISH = "publish"
    MESSAGE = "write to the service"
    ANSWER = "read its answer"


@dataclass(frozen=True, slots=True)
class Way:
    """How a program reaches the server. ``password``: None where nobody asks for one."""

    transport: str
    host: str
    port: int
    authority: Path
    "The certificate that has signed the server's."
    password: str | None = None

    @property
    def uri(self) -> str:
        return f"sip:{self.host}:{self.port};transport={self.transport}"


@dataclass(frozen=True, slots=True)
class Setup:
    """Where a program may write, who it is, how it gets through, and whom it watches."""

    home: Path
    user: str
    way: Way
    contacts: Sequence[str] = field(default=())
    built: Path = Path()
    "Where compiled drivers are kept during a run."

    @property
    def address(self) -> str:
        return f"sip:{self.user}@{DOMAIN}"


class Client(ABC):
    """A running program. `start` it once, then ask of it what is among its abilities."""

    program: ClassVar[str]
    package: ClassVar[str]
    "Debian's, or PyPI's or npm's after a colon: `pypi:aiosip`."
    transports: ClassVar[tuple[str, ...]] = ("udp", "tcp", "tls")
    abilities: ClassVar[frozenset[Ability]]
    publishes: ClassVar[tuple[State, ...]] = (State.AVAILABLE, State.BUSY, State.OFFLINE)
    shows: ClassVar[tuple[State, ...]] = (State.AVAILABLE, State.BUSY, State.OFFLINE)
    knows_digest: ClassVar[bool] = True
    goes_through_proxies: ClassVar[bool] = True
    digest: ClassVar[Mapping[str, object]] = {}
    "Settings under `authentication` that it needs when it has to prove who it is; none: it works with the default."

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.running: Program
        self._looked: dict[str, int] = {}

    def expect(self, pattern: str, subject: str = "", within: float = PATIENCE) -> None:
        """Wait until it prints this after what was last expected of the ``subject``."""
        found = self.running.wait_for(pattern, self._looked.get(subject, 0), within)
        self._looked[subject] = found.end()

    @abstractmethod
    def start(self) -> None:
        """Configure and start it; returns when it can be asked something."""

    def stop(self) -> None:
        self.running.stop()

    def registered(self) -> None:
        """Returns once its registration was accepted."""
        raise NotImplementedError

    def sees(self, user: str, state: State) -> None:
        """Returns once it shows one of its contacts in this state."""
        raise NotImplementedError

    def watch_lamp(self, user: str) -> None:
        """Subscribe to `Event: dialog`."""
        raise NotImplementedError

    def sees_lamp(self, user: str, lit: bool) -> None:
        raise NotImplementedError

    def publish(self, state: State) -> None:
        """Returns once it was told to, or once it was done."""
        raise NotImplementedError

    def send_message(self, to: str, text: str) -> None:
        raise NotImplementedError

    def got_message(self, text: str) -> None:
        """Returns once it has shown a message that contains the text."""
        raise NotImplementedError

    @classmethod
    def version(cls) -> str:
        return installed_version(cls.package)


IN_PIDF = {
    State.AVAILABLE: "<basic>open</basic>(?!.*<rpid:busy)",
    State.BUSY: "<basic>open</basic>.*<rpid:busy",
    State.OFFLINE: "<basic>closed</basic>",
}
"How the states look in a document that a driver prints in one line."


class Driven(Client):
    """By a driver of our own (`tests.interop.drivers`): told by lines what to do, it tells by lines what happens."""

    def stop(self) -> None:
        if self.running.process.poll() is None:
            self.running.type("quit")
            self.running.wait_for_end()
        super().stop()

    def registered(self) -> None:
        self.expect("^registered$")

    def send_message(self, to: str, text: str) -> None:
        self.running.type(f"message {to} {text}")
        self.expect("^sent( 200)?$", "sent")

    def got_message(self, text: str) -> None:
        self.expect(f"^message .*{text}", "message")


@cache
def installed_version(package: str) -> str:
    """``5.1.65``: upstream's part of it."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True
    )
    upstream = re.search(r"(?:\d+:)?(\d+(?:\.\d+)*)", done.stdout)
    assert upstream is not None, done.stdout
    return upstream[1]
