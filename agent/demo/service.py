"""The service of the demo: its files, its process, and its control socket."""

import asyncio
import os
import random
import socket
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import yaml

from agent.clock import Clock
from agent.demo.organisation import DOMAIN, MEMBERS
from agent.demo.processes import Child, start
from agent.errors import EXIT_UNREACHABLE, UserError

POLL = "0.9s"
"The runner looks once a second for links that are due; with this every one of them is."
KNOWN_WITHIN = 30.0
"Seconds until every calendar has been read."
LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one demo is: a folder, and ports of 127.0.0.1."""

    folder: Path
    caldav_port: int
    sip_port: int
    http_port: int

    @property
    def settings(self) -> Path:
        return self.folder / "lamplighter.yaml"

    @property
    def rules(self) -> Path:
        return self.folder / "rules.yaml"

    @property
    def control(self) -> Path:
        """Where `lamplighter explain` looks for it."""
        return self.folder / "lamplighter.sock"


def find_place(folder: Path) -> Place:
    """Free ports, that of SIP for both UDP and TCP. Raises UserError when the folder can't hold a socket file."""
    if len(os.fsencode(folder.absolute())) > LONGEST_SOCKET_PATH - len("/lamplighter.sock"):
        raise UserError(f"{folder}: too long a path for a socket file; choose a shorter one")
    return Place(folder.absolute(), _free_port(), _free_port(), _free_port())


def _free_port() -> int:
    """Outside the range from which the system takes ports for connections, or one might be gone before it is used."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def local_zone() -> str:
    """This machine's time zone (IANA name), or UTC when it does not say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    target = os.path.realpath("/etc/localtime").rpartition("zoneinfo/")[2]
    for name in (named, target):
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"


def write_files(place: Place, zone: str, passwords: dict[str, str]) -> None:
    """The settings file as an admin would write it, the rules, and each calendar's password."""
    people = {}
    for member in MEMBERS:
        secret = place.folder / f"{member.key}.password"
        secret.touch(mode=0o600)
        secret.write_text(passwords[member.key] + "\n", encoding="utf-8")
        link = {
            "connector": "office",
            "settings": {"username": member.key},
            "password_file": secret.name,
        }
        people[member.key] = {
            "sip": member.uri,
            "name": member.name,
            "emails": [member.email],
            "links": [link],
        }
    office = {
        "connector": "caldav",
        "interval": POLL,
        "settings": {"url": f"http://127.0.0.1:{place.caldav_port}/", "adaptive": False},
    }
    settings = {
        "domains": [DOMAIN],
        "timezone": zone,
        "privacy": "category",
        "rules": place.rules.name,
        "people": people,
        "connectors": {"office": office},
        "outbound": {"allow_private": ["127.0.0.1"]},
        "listeners": [
            {"transport": transport, "host": "127.0.0.1", "port": place.sip_port}
            for transport in ("udp", "tcp")
        ],
        "authentication": "off",
        "store": {"url": "sqlite:///lamplighter.db"},
        "http": {"port": place.http_port},
    }
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    place.settings.write_text(
        "# The settings of the demo. Authentication is off because nothing listens beyond this machine.\n"
        + text,
        encoding="utf-8",
    )
    rules = (files("agent.demo") / "rules.yaml").read_text(encoding="utf-8")
    place.rules.write_text(rules, encoding="utf-8")


async def start_service(place: Place) -> Child:
    """`lamplighter serve` with these files."""
    arguments = ["serve", "--settings", str(place.settings), "--log-format", "text"]
    return await start("lamplighter serve", "agent", arguments, place.folder / "lamplighter.log")


class Control:
    """Asks the service over its control socket."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._clock = clock
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(place.control)), timeout=aiohttp.ClientTimeout(total=5)
        )

    async def close(self) -> None:
        await self._session.close()

    async def ask(self, path: str) -> list[dict[str, Any]] | None:
        """The answer; None: there is none (yet)."""
        try:
            async with self._session.get(f"http://control{path}") as answer:
                found: list[dict[str, Any]] = await answer.json()
                return found
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    async def wait_until_known(self, service: Child) -> None:
        """Until every calendar has been read once. Raises UserError when that does not come to pass."""
        deadline = self._clock.monotonic() + KNOWN_WITHIN
        while True:
            service.check()
            rows = await self.ask("/v1/board")
            if rows and all(row["state"] != "unknown" for row in rows):
                return
            if self._clock.monotonic() > deadline:
                lines = service.log.read_text(encoding="utf-8", errors="replace").splitlines()
                raise UserError(
                    "the service does not come to know the calendars", lines[-8:], EXIT_UNREACHABLE
                )
            await asyncio.sleep(0.1)
