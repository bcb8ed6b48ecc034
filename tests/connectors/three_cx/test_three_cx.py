"""3CX: a stand-in for its Call Control API over real HTTP and WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import WSMsgType, web

from connectors.base import Context, Entry, Link
from connectors.conformance_listen import ListenConformance
from connectors.facts import CallState, CallValue
from connectors.privacy import Privacy
from connectors.three_cx.mapping import Board, event
from tests.connectors.support import new_world

KEY = "3cx-key"


@dataclass
class Pbx:
    """Satisfies `connectors.conformance.Source`. ``calls``: extension -> participant -> status."""

    calls: dict[str, dict[int, str]] = field(default_factory=lambda: {"100": {2: "Connected"}, "101": {}})
    asked: list[str] = field(default_factory=list)
    sequence: int = 0
    lever: str = ""
    token: str = "t0ken"
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    changes: int = 0
    link: Link = field(init=False)
    context: Context = field(init=False)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.lever == "silent":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if request.path == "/connect/token":
            form = await request.post()
            good = (form["client_id"], form["client_secret"], form["grant_type"]) == (
                "us",
                KEY,
                "client_credentials",
            )
            if self.lever == "refuse" or not good:
                return web.json_response({"error": "invalid_client"}, status=401)
            return web.json_response({"token_type": "Bearer", "expires_in": 60, "access_token": self.token})
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if request.path == "/callcontrol/ws":
            return await self._stream(request)
        self.asked.append(request.path)
        if self.lever == "nonsense":
            return web.Response(text="<html>")
        return self._answer(request.path)

    def _answer(self, path: str) -> web.Response:
        if path == "/callcontrol":
            whole = [
                {
                    "dn": extension,
                    "type": "Wextension",
                    "devices": [],
                    "participants": [self.participant(extension, one) for one in calls],
                }
                for extension, calls in self.calls.items()
            ]
            return web.json_response(whole)
        _, _, extension, _, number = path.split("/")
        if int(number) not in self.calls.get(extension, {}):
            return web.Response(status=404)
        return web.json_response(self.participant(extension, int(number)))

    def participant(self, extension: str, number: int) -> dict[str, Any]:
        return {
            "id": number, "status": self.calls[extension][number], "dn": extension, "party_caller_name": "Bob",
            "party_dn": "105", "party_caller_id": "105", "device_id": f"sip:{extension}@127.0.0.1:5060",
            "party_dn_type": "Wextension", "direct_control": False, "callid": 12, "legid": 1,
        }  # fmt: skip

    async def _stream(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
        self.sockets.remove(socket)
        return socket

    async def tell(self, kind: int, extension: str, number: int) -> None:
        self.sequence += 1
        entity = f"/callcontrol/{extension}/participants/{number}"
        body = {
            "sequence": self.sequence,
            "event": {"event_type": kind, "entity": entity, "attached_data": None},
        }
        for socket in list(self.sockets):
            await socket.send_str(json.dumps(body))

    async def set(self, extension: str, number: int, status: str | None) -> None:
        """Somebody's call changes, and the PBX says that it does."""
        if status is None:
            self.calls[extension].pop(number, None)
        else:
            self.calls[extension][number] = status
        await self.tell(1 if status is None else 0, extension, number)

    async def change(self) -> None:
        self.changes += 1
        await self.set("100", 2, "Dialing" if self.changes % 2 else "Connected")

    async def refuse_sign_in(self) -> None:
        self.lever = "refuse"
        await self._drop()

    async def fall_silent(self) -> None:
        self.lever = "silent"
        await self._drop()

    async def talk_nonsense(self) -> None:
        self.lever = "nonsense"
        for socket in list(self.sockets):
            await socket.send_str("<nonsense")

    async def mend(self) -> None:
        self.lever = ""

    async def _drop(self) -> None:
        for socket in list(self.sockets):
            await socket.close()


@asynccontextmanager
async def pbx(**given: Any) -> AsyncIterator[Pbx]:
    made = Pbx(**given)
    runner = web.ServerRunner(web.Server(made.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    async with new_world() as world:
        settings = {"url": url, "client_id": "us", "extension": "100"}
        entry = Entry("pbx", settings, KEY)
        made.link = Link(
            "pbx/alice", "three_cx", "alice", settings, KEY, privacy=Privacy.DETAILS, entry=entry
        )
        made.context = replace(
            world.context(), spawn=lambda coroutine, *, name: asyncio.ensure_future(coroutine)
        )
        try:
            yield made
        finally:
            await made._drop()
            await runner.cleanup()


class TestConformance(ListenConformance):
    name = "three_cx"
    package = "connectors.three_cx"

    @asynccontextmanager
    async def source(self):
        async with pbx() as made:
            yield made

    # -- what the suite does not ask -----------------------------------------------------------------------

    async def test_a_call_is_asked_for_since_events_do_not_say_what_it_is(self) -> None:
        async with pbx(calls={"100": {}, "101": {}}) as source, self._session(source) as session:

            async def state(wanted: CallState) -> CallValue:
                await session.until(lambda: session.error or value(session).state is wanted)
                assert session.error is None, session.error.words
                return value(session)

            await session.until(lambda: session.said or session.error)
            await state(CallState.IDLE)
            await source.set("100", 7, "Ringing")
            assert (await state(CallState.RINGING)).remote == "105"
            await source.set("100", 7, "Connected")
            await state(CallState.TALKING)
            await source.set("100", 8, "Dialing")
            await source.set("100", 8, None)
            await source.set("100", 7, None)
            await state(CallState.IDLE)
            assert "/callcontrol/100/participants/7" in source.asked

    async def test_a_missing_number_asks_for_everything(self) -> None:
        async with pbx(calls={"100": {}}) as source, self._session(source) as session:
            await session.until(lambda: session.said or session.error)
            await source.tell(0, "200", 1)
            source.calls["100"][3] = "Connected"
            source.sequence += 5
            await source.tell(0, "200", 1)
            await session.until(lambda: session.error or value(session).state is CallState.TALKING)
            assert session.error is None and source.asked.count("/callcontrol") == 2

    async def test_a_token_that_has_run_out_is_renewed(self) -> None:
        async with pbx() as source, self._session(source) as session:
            await session.until(lambda: session.said or session.error)
            source.token = "another"
            await source.set("100", 2, "Ringing")
            await session.until(lambda: session.error or value(session).state is CallState.RINGING)
            assert session.error is None


def value(session: Any) -> CallValue:
    (said,) = session.said.values()
    assert isinstance(said, CallValue)
    return said


def test_events_about_other_things():
    def told(**inner: object):
        return event(json.dumps({"sequence": 1, "event": inner}))

    assert told(event_type=2, entity="/callcontrol/100/participants/2") is None
    assert told(event_type=0, entity="/callcontrol/100/devices/x") is None
    assert told(event_type=0, entity="/callcontrol/100/participants/2/../../x") is None
    found = told(event_type=0, entity="/callcontrol/100/participants/2", attached_data=None)
    assert found is not None and found.path == "/callcontrol/100/participants/2"


def test_states_that_are_not_documented_are_calls():
    board = Board()
    board.replace(
        b'[{"dn": "100", "participants": [{"id": 1, "status": "Transferring"}, {"id": "x"}, null]}, 5]'
    )
    assert [call.state for call in board.calls("100")] == [CallState.TALKING]
    assert board.calls("999") == ()
