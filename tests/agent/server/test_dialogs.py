"""`Event: dialog`, published by phones and PBXs (RFC 4235): real calls beside the lamp of presence."""

from ipaddress import ip_network

import pytest

from agent.documents import dialog_info
from agent.documents.dialog_info import CONTENT_TYPE, Dialog
from agent.server.config import ServerConfig
from agent.server.server import Passwords
from agent.sip.messages import Request
from tests.agent.server.test_dialog_lamps import doing, lamp, version
from tests.support.phone import ALICE, Phone, document, shown
from tests.support.virtual_loop import virtual
from tests.support.world import world


def calls(*states: str, prefix: str = "a", extra: str = "") -> bytes:
    """What a phone publishes; the version restarts with each publisher, and means nothing."""
    dialogs = "".join(
        f'<dialog id="{prefix}{number}" call-id="secret-{number}" local-tag="l" remote-tag="r" direction="recipient">'
        f"<state>{state}</state>{extra}"
        f"<local><identity>{ALICE}</identity></local>"
        f'<remote><identity display-name="Boss">sip:boss@example.com</identity></remote></dialog>'
        for number, state in enumerate(states)
    )
    head = (
        f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="{ALICE}">'
    )
    return f"{head}{dialogs}</dialog-info>".encode()


async def publish(phone: Phone, body: bytes, etag: str | None = None, expires: int = 600) -> str:
    answer = await phone.publish(body, event="dialog", content_type=CONTENT_TYPE, etag=etag, expires=expires)
    assert answer.status == 200
    return answer.headers.get("SIP-ETag") or ""


def dialogs(notify: Request) -> tuple[Dialog, ...]:
    return dialog_info.parse(notify.body).dialogs


@virtual
async def test_a_call_is_seen_from_ringing_to_its_end() -> None:
    async with world() as here:
        phone, watcher = here.phone("alice"), here.phone("lamp")
        await watcher.subscribe(event="dialog")
        assert lamp(await watcher.notify(within=0.1)) == []
        etag, ids = None, set()
        for state, expected in (("early", ["early"]), ("confirmed", ["confirmed"]), ("terminated", [])):
            etag = await publish(phone, calls(state), etag)
            notify = await watcher.notify(within=0.1)
            assert lamp(notify) == expected
            ids |= {dialog.id for dialog in dialogs(notify)}
        assert len(ids) == 1
        assert [version(notify) for notify in watcher.notifies] == [0, 1, 2, 3]


@virtual
async def test_calls_of_several_phones_stand_side_by_side_until_they_expire() -> None:
    async with world() as here:
        desk, mobile, watcher = here.phone("alice"), here.phone("alice"), here.phone("lamp")
        await publish(desk, calls("early"), expires=60)
        await publish(mobile, calls("confirmed"), expires=120)
        await watcher.subscribe(event="dialog")
        first = await watcher.notify()
        assert lamp(first) == ["confirmed", "early"]
        assert len({dialog.id for dialog in dialogs(first)}) == 2
        assert lamp(await watcher.notify(within=61)) == ["confirmed"]
        assert lamp(await watcher.notify(within=61)) == []


@pytest.mark.parametrize(
    ("activity", "published", "expected"),
    [
        ("meeting", (), ["confirmed"]),
        ("meeting", ("early",), ["confirmed", "early"]),
        ("meeting", ("confirmed",), ["confirmed"]),
        ("away", ("confirmed", "early"), ["confirmed", "early"]),
        ("away", ("trying",), ["trying"]),
    ],
)
@virtual
async def test_a_real_call_wins_over_the_lamp(
    activity: str, published: tuple[str, ...], expected: list[str]
) -> None:
    async with world() as here:
        phone, watcher = here.phone("alice"), here.phone("alice")
        await phone.publish(doing(activity))
        await publish(phone, calls(*published))
        await watcher.subscribe(event="dialog")
        notify = await watcher.notify()
        assert lamp(notify) == expected
        if "confirmed" in published:
            assert {dialog.call_id for dialog in dialogs(notify)} <= {"secret-0", "secret-1"}


@virtual
async def test_with_whom_is_told_to_ones_own_phones_only() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}))
    async with world(config=config) as here:
        phone, other = here.phone("alice"), here.phone("bob")
        await publish(phone, calls("confirmed", extra="<duration>7</duration>"))
        for watcher in (phone, other):
            await watcher.subscribe(event="dialog")
        own, told = (await phone.notify()).body, (await other.notify()).body
        assert b"boss" in own and b"secret-0" in own
        assert b"boss" not in told and b"secret" not in told and b"<duration>" not in told
        assert b"confirmed" in told and b'direction="recipient"' in told
    open_config = ServerConfig(domains=frozenset({"example.org"}), dialog_details=True)
    async with world(config=open_config) as here:
        phone, other = here.phone("alice"), here.phone("bob")
        await publish(phone, calls("early"))
        await other.subscribe(event="dialog")
        assert b"secret-0" in (await other.notify()).body


@virtual
async def test_one_dialog_at_a_time_for_phones_that_need_it() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}), one_dialog_for=("grandstream*",))
    async with world(config=config) as here:
        phone, simple, rich = here.phone("alice"), here.phone("bob"), here.phone("carol")
        await publish(phone, calls("trying", "confirmed", "early"))
        await simple.subscribe("User-Agent: Grandstream GXP1625", event="dialog")
        await rich.subscribe("User-Agent: Better/1", event="dialog")
        assert lamp(await simple.notify()) == ["confirmed"]
        assert lamp(await rich.notify()) == ["confirmed", "early", "trying"]


@virtual
async def test_what_is_no_dialog_information_is_refused() -> None:
    async with world() as here:
        phone = here.phone("alice")
        for body in (
            b"<x/>",
            b"<dialog-info",
            calls("dancing"),
            calls("early").replace(b"dialog-info", b"info"),
        ):
            answer = await phone.publish(body, event="dialog", content_type=CONTENT_TYPE)
            assert answer.status == 400
        # COMPAT(Kamailio 5.6): capital letters, and `receiver` as in the examples of RFC 4235.
        odd = calls("Trying").replace(b'"recipient"', b'"receiver"')
        assert (await phone.publish(odd, event="dialog", content_type=CONTENT_TYPE)).status == 200


@virtual
async def test_a_pbx_that_is_trusted_publishes_for_everybody() -> None:
    passwords = Passwords("example.org", lambda username, name: None, [ip_network("192.0.2.50/32")])
    async with world(passwords=passwords) as here:
        pbx, stranger = here.phone("pbx"), here.phone("stranger")
        await publish(pbx, calls("confirmed"))
        refused = await stranger.publish(calls("confirmed"), event="dialog", content_type=CONTENT_TYPE)
        assert refused.status == 401


@virtual
async def test_one_dialog_can_be_watched_alone_and_without_the_lamp_over_a_restart_too() -> None:
    async with world() as here:
        phone, watcher = here.phone("alice"), here.phone("alice")
        one = await watcher.subscribe(event='dialog;call-id="secret-1";to-tag=l;from-tag=r')
        assert lamp(await watcher.notify(within=0.1)) == []
        etag = await publish(phone, calls("early", "confirmed"))
        notify = await watcher.notify(within=0.1)
        assert [each.call_id for each in dialogs(notify)] == ["secret-1"]
        await one.ask(event="dialog")
        assert [each.call_id for each in dialogs(await watcher.notify(within=0.1))] == ["secret-1"]
        here.server.close()
        await here.start()
        assert [each.call_id for each in dialogs(await watcher.notify(within=0.1))] == ["secret-1"]
        await publish(phone, calls("confirmed", "early"), etag)
        notify = await watcher.notify(within=0.1)
        assert [(each.call_id, each.state) for each in dialogs(notify)] == [("secret-1", "early")]


@virtual
async def test_half_a_name_of_a_dialog_is_400() -> None:
    async with world() as here:
        watcher = here.phone("alice")
        assert (await watcher.subscribe(event="dialog;call-id=x")).answer.status == 400


@virtual
async def test_session_descriptions_are_told_only_when_asked_for() -> None:
    session = '<local><session-description type="application/sdp">v=0</session-description></local>'
    body = calls("confirmed").replace(b"<local>", session.encode()[:-8], 1)
    async with world() as here:
        phone, plain, curious = here.phone("alice"), here.phone("alice"), here.phone("alice")
        await plain.subscribe(event="dialog")
        await curious.subscribe(event="dialog;include-session-description")
        for each in (plain, curious):
            await each.notify(within=0.1)
        await publish(phone, body)
        assert b"v=0" in (await curious.notify(within=0.1)).body
        notify = await plain.notify(within=0.1)
        assert b"v=0" not in notify.body and b"secret-0" in notify.body


@virtual
async def test_a_call_is_seen_in_presence_too() -> None:
    """RFC 4480 §3.2 `on-the-phone`, from dialog state: for people of whom no rules decide."""
    async with world() as here:
        phone, watcher = here.phone("alice"), here.phone("bob")
        await watcher.subscribe()
        await watcher.notify(within=0.1)
        etag = await publish(phone, calls("early"))
        await watcher.quiet(1)
        etag = await publish(phone, calls("confirmed"), etag)
        assert b"on-the-phone" in (await watcher.notify(within=0.1)).body
        tag = (await phone.publish(document("Here"))).headers.get("SIP-ETag")
        notify = await watcher.notify(within=0.1)
        assert b"on-the-phone" in notify.body and shown(notify) == [("open", "Here")]
        etag = await publish(phone, calls("terminated"), etag)
        notify = await watcher.notify(within=0.1)
        assert b"on-the-phone" not in notify.body and shown(notify) == [("open", "Here")]
        away = b"<person xmlns='urn:ietf:params:xml:ns:pidf:data-model' id='p'><activities xmlns="
        away += b"'urn:ietf:params:xml:ns:pidf:rpid'><away/></activities></person></presence>"
        await phone.publish(document("Here").replace(b"</presence>", away), etag=tag)
        await watcher.notify(within=0.1)
        await publish(phone, calls("confirmed"), etag)
        await watcher.quiet(1), "what a device says of its owner outranks the call"
