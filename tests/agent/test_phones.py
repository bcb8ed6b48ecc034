"""What phones tell the service: registrations and calls become facts, messages become choices."""

import asyncio
from pathlib import Path

from agent.documents.dialog_info import CONTENT_TYPE
from agent.sip.messages import Request
from connectors.facts import CallState, CallValue, Fact, ReachState, ReachValue
from tests.agent.server.test_dialogs import calls
from tests.agent.server.test_message import answered, message
from tests.agent.server.test_register import INSTANCE, register
from tests.support.phone import Phone
from tests.support.service import Service, said, service
from tests.support.virtual_loop import virtual

SETTINGS = "people: {alice: {sip: 'sip:alice@example.org'}}\n"
RULES = """
version: 1
states:
  lunch: {basic: closed, note: At lunch, lamp: lit}
  talking: {basic: open, activities: [on-the-phone], note: On the phone, lamp: lit}
  here: {basic: open, note: Here}
rules:
  - {name: chosen, when: {manual: set}, then: {state: "{manual.state}"}}
  - {name: phone, when: {call: talking}, then: {state: talking}}
  - {name: desk, when: {reach: registered}, then: {state: here}}
"""


def facts(here: Service) -> list[Fact]:
    return list(here.app.decider.facts.of("alice"))


def reach(here: Service) -> dict[str, ReachState]:
    values = [fact.value for fact in facts(here)]
    return {value.device: value.state for value in values if isinstance(value, ReachValue)}


@virtual
async def test_being_registered_is_a_fact_of_each_device(tmp_path: Path) -> None:
    async with service(tmp_path, SETTINGS, RULES) as here:
        watcher = await here.watch("sip:alice@example.org")
        desk = Phone(here.wire, "alice", "192.0.2.20")
        contact = f"<sip:alice@192.0.2.20>;{INSTANCE}"
        await register(desk, contact, expires=600)
        await register(desk, "<sip:alice@192.0.2.21>", expires=300, lines=("User-Agent: Softphone/7",))
        await asyncio.sleep(1)
        instance = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"
        assert reach(here) == {instance: ReachState.REGISTERED, "Softphone/7": ReachState.REGISTERED}
        assert said(watcher)[-1].endswith('"Here"')
        await asyncio.sleep(310)
        assert reach(here) == {instance: ReachState.REGISTERED, "Softphone/7": ReachState.OFFLINE}
        await register(desk, contact, expires=0)
        await asyncio.sleep(1)
        assert reach(here)[instance] is ReachState.OFFLINE
        assert "Here" not in said(watcher)[-1]


@virtual
async def test_a_call_on_a_phone_decides_and_its_silence_is_unknown(tmp_path: Path) -> None:
    async with service(tmp_path, SETTINGS, RULES) as here:
        watcher = await here.watch("sip:alice@example.org")
        desk = Phone(here.wire, "alice", "192.0.2.20")

        async def publish(body: bytes, etag: str | None = None) -> str:
            answer = await desk.publish(body, event="dialog", content_type=CONTENT_TYPE, etag=etag)
            await asyncio.sleep(1)
            return answer.headers.get("SIP-ETag") or ""

        def call() -> CallValue | None:
            return next((fact.value for fact in facts(here) if isinstance(fact.value, CallValue)), None)

        etag = await publish(calls("early"))
        ringing = call()
        assert ringing is not None and ringing.state is CallState.RINGING and ringing.direction == "in"
        etag = await publish(calls("confirmed"), etag)
        talking = call()
        assert talking is not None and talking.state is CallState.TALKING and talking.remote is None
        assert said(watcher)[-1] == 'open lit "On the phone"'
        # The same call, told again, goes on since the same moment.
        etag = await publish(calls("confirmed", extra=" "), etag)
        assert call() == talking
        held = b'<local><target uri="sip:a@b"><param pname="+sip.rendering" pval="no"/></target>'
        etag = await publish(calls("confirmed").replace(b"<local>", held), etag)
        assert (value := call()) is not None and value.state is CallState.HELD
        etag = await publish(calls(), etag)
        assert (value := call()) is not None and value.state is CallState.IDLE
        assert "On the phone" not in said(watcher)[-1]
        await asyncio.sleep(700)
        assert call() is None


@virtual
async def test_a_message_chooses_and_asks_why(tmp_path: Path) -> None:
    async with service(tmp_path, SETTINGS, RULES) as here:
        watcher = await here.watch("sip:alice@example.org")
        phone = Phone(here.wire, "alice", "192.0.2.20")

        async def ask(text: str, of: Phone = phone) -> str:
            assert (await of.ask(message(of, text))).status == 200
            said_back: Request = await answered(of)
            return said_back.body.decode()

        assert "lunch" in await ask("lunch 45m")
        await asyncio.sleep(1)
        assert said(watcher)[-1] == 'closed lit "At lunch"'
        assert "chosen" in await ask("why?")
        assert "lunch 45m" in await ask("help")
        assert "no state `lnch`" in await ask("lnch")
        assert "shown as lunch" in await ask("status")
        await ask("auto")
        await asyncio.sleep(1)
        assert "At lunch" not in said(watcher)[-1]
        stranger = Phone(here.wire, "mallory", "192.0.2.30")
        assert "sip:mallory@example.org" in await ask("lunch", stranger)
