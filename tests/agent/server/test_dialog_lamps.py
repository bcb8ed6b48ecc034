"""`Event: dialog`: a phone that knows only busy lamps sees anybody's presence as one (RFC 4235)."""

from pathlib import Path

from agent.documents import dialog_info
from agent.documents.dialog_info import CONTENT_TYPE
from agent.documents.namespaces import LAMPLIGHTER
from agent.sip.messages import Request
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

PERSON = (
    b'<dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" '
    b'id="p1"><r:activities>%b</r:activities></dm:person></presence>'
)


def doing(activity: str, note: str = "") -> bytes:
    return document(note).replace(b"</presence>", PERSON % f"<r:{activity}/>".encode())


def saying(lamp: str) -> bytes:
    own = f'<lamp xmlns="{LAMPLIGHTER}">{lamp}</lamp>'.encode()
    person = PERSON.replace(b"<r:activities>%b</r:activities>", own)
    return document().replace(b"</presence>", person)


def lamp(notify: Request) -> list[str]:
    """The states of the dialogs that are listed."""
    assert notify.content_type == CONTENT_TYPE and notify.headers.get("Event") == "dialog"
    info = dialog_info.parse(notify.body)
    assert info.state == "full" and info.entity == "sip:alice@example.org"
    return [dialog.state for dialog in info.dialogs]


def version(notify: Request) -> int:
    return dialog_info.parse(notify.body).version


@virtual
async def test_the_lamp_follows_what_somebody_does() -> None:
    async with world() as here:
        alice, lamp_phone = here.phone("alice"), here.phone("lamp")
        sub = await lamp_phone.subscribe(f"Accept: {CONTENT_TYPE}", event="dialog")
        assert sub.answer.status == 200
        first = await lamp_phone.notify(within=0.1)
        assert lamp(first) == [] and state(first) == "active" and version(first) == 0
        etag = None
        for activity, expected in (("meeting", ["confirmed"]), ("away", []), ("on-the-phone", ["confirmed"])):
            answer = await alice.publish(doing(activity), etag=etag)
            etag = answer.headers.get("SIP-ETag")
            assert lamp(await lamp_phone.notify(within=0.1)) == expected
        await alice.publish(etag=etag, expires=0)
        assert lamp(await lamp_phone.notify(within=0.1)) == []
        assert [version(notify) for notify in lamp_phone.notifies] == [0, 1, 2, 3, 4]


@virtual
async def test_what_the_publisher_says_of_the_lamp_counts() -> None:
    async with world() as here:
        alice, lamp_phone = here.phone("alice"), here.phone("lamp")
        await lamp_phone.subscribe(event="dialog")
        assert lamp(await lamp_phone.notify()) == []
        etag = None
        for told, expected in (("lit", ["confirmed"]), ("blinking", ["early"]), ("dark", [])):
            etag = (await alice.publish(saying(told), etag=etag)).headers.get("SIP-ETag")
            notify = await lamp_phone.notify(within=0.1)
            assert lamp(notify) == expected
            if expected:
                (dialog,) = dialog_info.parse(notify.body).dialogs
                assert dialog.id == _id_of_first(lamp_phone.notifies)


def _id_of_first(notifies: list[Request]) -> str:
    return next(each for notify in notifies for each in dialog_info.parse(notify.body).dialogs).id


@virtual
async def test_a_change_that_does_not_show_on_the_lamp_is_not_told_to_it() -> None:
    async with world() as here:
        alice, bob, lamp_phone = here.phone("alice"), here.phone("bob"), here.phone("lamp")
        etag = (await alice.publish(doing("meeting", "until ten"))).headers.get("SIP-ETag")
        await lamp_phone.subscribe(event="dialog")
        await bob.subscribe()
        await bob.notify()
        assert lamp(await lamp_phone.notify()) == ["confirmed"]
        await alice.publish(doing("meeting", "until eleven"), etag=etag)
        assert shown(await bob.notify(within=0.1)) == [("open", "until eleven")]
        await lamp_phone.quiet(10)


@virtual
async def test_each_subscription_counts_its_own_versions() -> None:
    async with world() as here:
        alice, early, late = here.phone("alice"), here.phone("early"), here.phone("late")
        first = await early.subscribe(event="dialog")
        await early.notify()
        etag = (await alice.publish(doing("meeting"))).headers.get("SIP-ETag")
        assert version(await early.notify()) == 1
        await late.subscribe(event="dialog")
        assert version(await late.notify()) == 0
        await alice.publish(doing("away"), etag=etag)
        assert version(await early.notify()) == 2 and version(await late.notify()) == 1
        # A refresh tells the whole state again, with the next number; so does the last NOTIFY.
        await first.ask(event="dialog")
        assert version(await early.notify()) == 3
        await first.ask(event="dialog", expires=0)
        last = await early.notify()
        assert version(last) == 4 and state(last) == "terminated;reason=timeout"
        fetched = await late.subscribe(event="dialog", expires=0)
        assert fetched.answer.status == 200 and version(await late.notify()) == 0
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_accept_and_publish_keep_to_the_package() -> None:
    async with world() as here:
        bob = here.phone("bob")
        assert (await bob.subscribe("Accept: application/pidf+xml", event="dialog")).answer.status == 406
        assert (await bob.subscribe(f"Accept: {CONTENT_TYPE}")).answer.status == 406
        both = await bob.subscribe(f"Accept: {CONTENT_TYPE}, application/pidf+xml", event="dialog;sla")
        assert both.answer.status == 200 and lamp(await bob.notify()) == []
        assert (await both.ask(event="presence")).status == 403
        refused = await bob.publish(document(), event="dialog", content_type=CONTENT_TYPE)
        assert refused.status == 400
        assert (await bob.publish(document(), event="dialog")).status == 415
        assert not here.store.all_publications()


@virtual_beside_threads
async def test_versions_rise_over_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, lamp_phone = here.phone("alice"), here.phone("lamp")
        await lamp_phone.subscribe(event="dialog", expires=3600)
        await lamp_phone.notify()
        await alice.publish(doing("meeting"), expires=3600)
        before = version(await lamp_phone.notify())
        here.server.close()
        await here.store.close()
        here.store = await type(here.store).open(url, here.clock)
        await here.start()
        told = await lamp_phone.notify(within=2)
        assert lamp(told) == ["confirmed"] and version(told) > before
