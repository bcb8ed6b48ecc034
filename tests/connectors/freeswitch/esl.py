"""A stand-in for the event socket, and events in the documented shapes (synthetic)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

from connectors.freeswitch.wire import Event

PASSWORD = "esl-s3cret"
DOMAIN = "pbx.example"


def event(name: str, **fields: str) -> dict[str, str]:
    return {
        "Event-Name": name,
        "Core-UUID": "5f2d0c44-0000-4000-8000-000000000001",
        "FreeSWITCH-Hostname": "switch",
        "Event-Date-Timestamp": "1795342096744591",
        "Event-Sequence": "3372",
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }


def callstate(user: str, state: str, unique: str, way: str = "inbound", **more: str) -> dict[str, str]:
    """``way``: as FreeSWITCH sees it; a phone that calls is ``inbound``."""
    return event(
        "CHANNEL_CALLSTATE",
        **{
            "Channel_Call_State": state,
            "Channel_State": "CS_EXECUTE",
            "Channel_Name": f"sofia/internal/{user}@{DOMAIN}",
            "Unique_ID": unique,
            "Call_Direction": way,
            "Channel_Presence_ID": f"{user}@{DOMAIN}",
            "Caller_Caller_ID_Number": "4711",
            "Caller_Destination_Number": "1002",
            **more,
        },
    )


def of_channel(name: str, user: str, unique: str, state: str = "ACTIVE", **more: str) -> dict[str, str]:
    return {**callstate(user, state, unique, **more), "Event-Name": name}


def register(user: str, kind: str = "sofia::register") -> dict[str, str]:
    return event(
        "CUSTOM",
        Event_Subclass=kind,
        profile_name="internal",
        from_user=user,
        from_host=DOMAIN,
        contact=f'"{user}" <sip:{user}@192.0.2.9:5060;fs_nat=yes>',
    ) | {"from-user": user, "from-host": DOMAIN, "to-host": "switch.example", "realm": "switch.example"}


def read(fields: dict[str, str]) -> Event:
    """As the session would read it."""
    return Event({name.lower(): value for name, value in fields.items()})


def plain(fields: dict[str, str], body: str = "") -> bytes:
    text = "".join(f"{name}: {quote(value, safe='/:@ ')}\n" for name, value in fields.items())
    if body:
        text += f"Content-Length: {len(body)}\n"
    text += f"\n{body}"
    return f"Content-Length: {len(text.encode())}\nContent-Type: text/event-plain\n\n{text}".encode()


def row(user: str, state: str, unique: str, direction: str = "inbound") -> dict[str, str]:
    return {
        "uuid": unique,
        "direction": direction,
        "name": f"sofia/internal/{user}@{DOMAIN}",
        "state": "CS_EXECUTE",
        "cid_num": "4711",
        "dest": "1002",
        "callstate": state,
        "presence_id": f"{user}@{DOMAIN}",
    }


def registrations(*users: str) -> str:
    line = "=" * 97
    each = "".join(
        f"Call-ID:    \tabc{user}\nUser:       \t{user}@{DOMAIN}\nContact:    \t<sip:{user}@192.0.2.9:5060>\n"
        f"Agent:      \tA phone\nStatus:     \tRegistered(UDP)(unknown) EXP(2026-11-22 12:00:00) EXPSECS(3600)\n"
        f"Host:       \tswitch\nIP:         \t192.0.2.9\nPort:       \t5060\nAuth-User:  \t{user}\n"
        f"Auth-Realm: \tswitch.example\nMWI-Account:\t{user}@{DOMAIN}\n\n"
        for user in users
    )
    return f"\nRegistrations:\n{line}\n{each}Total items returned: {len(users)}\n{line}\n"


@dataclass
class EventSocket:
    """What it will answer; ``say`` tells everybody who has signed in."""

    port: int = 0
    rows: list[dict[str, str]] = field(default_factory=list)
    registered: list[str] = field(default_factory=lambda: ["1001"])
    password: str = PASSWORD
    silent: bool = False
    rude: bool = False
    asked: list[str] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def say(self, fields: dict[str, str], body: str = "") -> None:
        self.send(plain(fields, body))

    def send(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def drop(self) -> None:
        for writer in tuple(self._writers):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.rude:
                said = b"Access Denied, go away.\n"
                writer.write(b"Content-Type: text/rude-rejection\nContent-Length: %d\n\n" % len(said) + said)
                await writer.drain()
                return
            writer.write(b"Content-Type: auth/request\n\n")
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                self.asked.append(command)
                if not self.silent:
                    self._answer(command, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, command: str, writer: asyncio.StreamWriter) -> None:
        if command.startswith("auth "):
            right = command == f"auth {self.password}"
            if right:
                self._writers.add(writer)
            reply = "+OK accepted" if right else "-ERR invalid"
            writer.write(f"Content-Type: command/reply\nReply-Text: {reply}\n\n".encode())
        elif command.startswith("event "):
            writer.write(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
        else:
            body = "0 years, 0 days\n"
            if "show channels" in command:
                listed = {"row_count": len(self.rows), **({"rows": self.rows} if self.rows else {})}
                body = json.dumps(listed)
            elif "sofia status" in command:
                body = registrations(*self.registered)
            writer.write(
                f"Content-Type: api/response\nContent-Length: {len(body.encode())}\n\n{body}".encode()
            )


@asynccontextmanager
async def event_socket() -> AsyncIterator[EventSocket]:
    """On a free loopback port."""
    made = EventSocket()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.drop()
        await server.wait_closed()
