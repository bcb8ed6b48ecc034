"""A stand-in for an Asterisk manager, and events in the shapes that Asterisk 22 sends (synthetic)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from connectors.asterisk.wire import Message

SECRET = "manager-s3cret"


def event(name: str, **fields: str) -> dict[str, str]:
    return {"Event": name, "Privilege": "call,all", "Timestamp": "1795342096.744591", **fields}


def extension(exten: str, status: int, hint: str = "", context: str = "internal") -> dict[str, str]:
    hint = hint or f"PJSIP/{exten}"
    return event("ExtensionStatus", Exten=exten, Context=context, Hint=hint, Status=str(status))


def device(name: str, state: str) -> dict[str, str]:
    return event("DeviceStateChange", Device=name, State=state)


def channel(name: str, phone: str, state: str, unique: str, **more: str) -> dict[str, str]:
    return event(
        name,
        Channel=f"PJSIP/{phone}-0000000{unique[-1]}",
        ChannelState=state,
        CallerIDNum=phone,
        ConnectedLineNum="<unknown>",
        Context="internal",
        Exten="s",
        Uniqueid=unique,
        Linkedid="17.1",
    ) | dict(more)


def message(fields: dict[str, str]) -> Message:
    """As the framer would read it."""
    return Message({name.lower(): value for name, value in fields.items()})


def wire(fields: dict[str, str]) -> bytes:
    return ("".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()


@dataclass
class Manager:
    """What it will answer; ``say`` tells everybody who has signed in."""

    port: int = 0
    extensions: list[dict[str, str]] = field(default_factory=lambda: [extension("1001", 0)])
    devices: list[dict[str, str]] = field(default_factory=lambda: [device("PJSIP/1001", "NOT_INUSE")])
    channels: list[dict[str, str]] = field(default_factory=list)
    denied: str = ""
    "An action that the user may not use."
    secret: str = SECRET
    silent: bool = False
    snapshots: int = 0
    masks: list[str] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def say(self, fields: dict[str, str]) -> None:
        self.send(wire(fields))

    def send(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def drop(self) -> None:
        for writer in tuple(self._writers):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        challenge = "841415273"
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                asked = dict(line.split(": ", 1) for line in block.strip().split("\r\n"))
                if self.silent:
                    continue
                for answer in self._answers(asked, challenge, writer):
                    writer.write(wire({**answer, "ActionID": asked["ActionID"]}))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answers(
        self, asked: dict[str, str], challenge: str, writer: asyncio.StreamWriter
    ) -> list[dict[str, str]]:
        name = asked["Action"]
        lists = {
            "ExtensionStateList": self.extensions,
            "DeviceStateList": self.devices,
            "CoreShowChannels": self.channels,
        }
        if name == self.denied:
            return [{"Response": "Error", "Message": "Permission denied"}]
        if name == "Challenge":
            return [{"Response": "Success", "Challenge": challenge}]
        if name == "Login":
            if asked["Key"] != hashlib.md5((challenge + self.secret).encode()).hexdigest():
                return [{"Response": "Error", "Message": "Authentication failed"}]
            self._writers.add(writer)
            self.masks.append(asked["Events"])
            return [{"Response": "Success", "Message": "Authentication accepted"}]
        if name == "Ping":
            return [{"Response": "Success", "Ping": "Pong", "Timestamp": "1795342036.934957"}]
        items = lists[name]
        self.snapshots += name == "ExtensionStateList"
        end = {"Event": f"{name}Complete", "EventList": "Complete", "ListItems": str(len(items))}
        return [{"Response": "Success", "EventList": "start"}, *items, end]


@asynccontextmanager
async def manager() -> AsyncIterator[Manager]:
    """On a free loopback port."""
    made = Manager()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.drop()
        await server.wait_closed()
