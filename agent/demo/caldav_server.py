"""A real CalDAV server (Radicale) as a process of its own, and a client that changes the calendars on it."""

import asyncio
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from agent.clock import Clock
from agent.demo.organisation import MEMBERS, Event, Member, calendar_object
from agent.demo.processes import Child, start
from agent.errors import EXIT_UNREACHABLE, UserError

START_WITHIN = 30.0
"Seconds."


def check_installed() -> None:
    """Raises UserError when there is no Radicale."""
    if importlib.util.find_spec("radicale") is None:
        raise UserError(
            "the demo needs the CalDAV server Radicale", ["pip install 'lamplighter[demo]' brings it"]
        )


async def start_server(folder: Path, port: int, passwords: Mapping[str, str]) -> Child:
    """Radicale on 127.0.0.1, storage and accounts in ``folder``, basic authentication (RFC 7617)."""
    users = folder / "users"
    users.touch(mode=0o600)
    users.write_text("".join(f"{name}:{word}\n" for name, word in passwords.items()), encoding="utf-8")
    config = folder / "radicale.conf"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[storage]\nfilesystem_folder = {folder / 'calendars'}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        "[web]\ntype = none\n[logging]\nlevel = warning\n",
        encoding="utf-8",
    )
    return await start("the CalDAV server", "radicale", ["--config", str(config)], folder / "radicale.log")


class Calendars:
    """Makes and changes the calendars as their owners' programs would: by CalDAV requests (RFC 4791)."""

    def __init__(self, port: int, passwords: Mapping[str, str], clock: Clock) -> None:
        self._root = f"http://127.0.0.1:{port}"
        self._passwords = passwords
        self._clock = clock
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        await self._session.close()

    async def wait_until_up(self, server: Child) -> None:
        """Raises UserError when the server ends instead, or does not answer in time."""
        deadline = self._clock.monotonic() + START_WITHIN
        while True:
            server.check()
            try:
                async with self._session.options(f"{self._root}/"):
                    return
            except aiohttp.ClientError:
                if self._clock.monotonic() > deadline:
                    raise UserError("the CalDAV server does not answer", exit_code=EXIT_UNREACHABLE) from None
                await asyncio.sleep(0.05)

    async def make_all(self) -> None:
        """A calendar `office` for each member (RFC 4791 §5.3.1)."""
        body = (
            '<?xml version="1.0"?><c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
            "<d:set><d:prop><d:displayname>Office</d:displayname></d:prop></d:set></c:mkcalendar>"
        )
        for member in MEMBERS:
            await self._ask(member, "MKCALENDAR", "", body, "application/xml")

    async def put(self, event: Event) -> float:
        """Store the event, new or changed. Returns when the server had answered: wall clock, seconds."""
        text = calendar_object(event, self._clock.now())
        return await self._ask(event.member, "PUT", f"{event.uid}.ics", text, "text/calendar")

    async def remove(self, event: Event) -> None:
        await self._ask(event.member, "DELETE", f"{event.uid}.ics")

    async def _ask(self, member: Member, method: str, name: str, body: str = "", kind: str = "") -> float:
        headers = {"Content-Type": f"{kind}; charset=utf-8"} if kind else {}
        try:
            async with self._session.request(
                method,
                f"{self._root}/{member.key}/office/{name}",
                data=body.encode(),
                headers=headers,
                auth=aiohttp.BasicAuth(member.key, self._passwords[member.key]),
            ) as answer:
                at = self._clock.wall()
                if answer.status >= 300:
                    raise UserError(f"the CalDAV server refused {method}: {answer.status} {answer.reason}")
                return at
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UserError(
                f"the CalDAV server cannot be reached ({type(error).__name__})", exit_code=EXIT_UNREACHABLE
            ) from None
