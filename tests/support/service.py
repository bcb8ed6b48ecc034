"""The whole service in virtual time: from facts to what a watcher's phone is told over a simulated network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.app import App, open_app
from agent.documents import pidf
from agent.documents.lamplighter import Lamp
from agent.settings import load_settings
from agent.sip.messages import Request
from tests.support.phone import Phone
from tests.support.virtual_loop import LoopClock
from tests.support.wire import SERVER, Wire, WirePort

HEAD = """
domains: [example.org]
authentication: {mode: "off"}
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
store: {url: "memory:"}
notify: {minimum_interval: 0s}
rules: rules.yaml
"""
"What the settings of these tests have in common."
OUTBOUND = "outbound: {allow_private: [127.0.0.0/8]}\n"
"Where the settings themselves say nothing of it."


@dataclass
class Service:
    """Write files, then ``reload``; watch somebody, then read ``said``."""

    app: App
    clock: LoopClock
    wire: Wire
    folder: Path
    _phones: int = 0

    def write(self, settings: str | None = None, rules: str | None = None) -> None:
        if settings is not None:
            (self.folder / "lamplighter.yaml").write_text(_whole(settings))
        if rules is not None:
            (self.folder / "rules.yaml").write_text(rules)

    async def watch(self, address: str) -> Phone:
        """A phone that is subscribed; its first NOTIFY has arrived."""
        self._phones += 1
        phone = Phone(self.wire, "watcher", f"192.0.2.{100 + self._phones}")
        await phone.subscribe(uri=address, expires=3600)
        await asyncio.sleep(1)
        return phone


def documents(phone: Phone) -> list[pidf.Presence]:
    """Every document that the phone was sent, in order."""
    return [
        pidf.parse(got.message.body)
        for got in phone.got
        if isinstance(got.message, Request) and got.message.method == "NOTIFY" and got.message.body
    ]


def said(phone: Phone) -> list[str]:
    """Each document as ``closed lit "In a meeting"``, in order."""
    return [_line(each) for each in documents(phone)]


def _line(document: pidf.Presence) -> str:
    words = [document.tuples[0].status.basic or "?"]
    for person in document.persons:
        words += [each.shows for each in person.elements if isinstance(each, Lamp)]
    words += [f'"{note.text}"' for note in document.tuples[0].notes]
    return " ".join(words)


def _whole(settings: str) -> str:
    return HEAD + ("" if "outbound:" in settings else OUTBOUND) + settings


@asynccontextmanager
async def service(folder: Path, settings: str, rules: str) -> AsyncIterator[Service]:
    """``settings``: what comes after `HEAD`."""
    (folder / "lamplighter.yaml").write_text(_whole(settings))
    (folder / "rules.yaml").write_text(rules)
    clock = LoopClock(asyncio.get_running_loop())

    def read():
        return load_settings(folder / "lamplighter.yaml", {})

    async with open_app(read(), clock, reread=read) as app:
        wire = Wire()
        app.server.transports.add(WirePort(app.server.driver, wire, SERVER))
        await asyncio.sleep(1)
        yield Service(app, clock, wire, folder)
