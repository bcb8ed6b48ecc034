"""SUBSCRIBE as RFC 6665 §4.2.1 and RFC 3856 want it, seen from outside."""

import pytest

from agent.server.config import ServerConfig
from agent.sip.values import parse_name_addr
from tests.support.phone import ALICE, PIDF, Phone, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import World, world


def left(value: str | None) -> int:
    """The seconds that Subscription-State still grants."""
    return int((value or "").partition("expires=")[2])


@virtual
async def test_a_subscription_is_granted_and_told_the_state_at_once() -> None:
    async with world() as here:
        await here.phone("alice").publish(document("In"))
        bob = here.phone("bob")
        sub = await bob.subscribe(expires=600)
        answer = sub.answer
        assert answer.status == 200
        assert answer.headers.get("Expires") == "600"
        assert answer.to.tag
        assert parse_name_addr(answer.headers.get("Contact") or "").uri == "sip:192.0.2.1:5060"
        assert "Event" not in answer.headers and "Subscription-State" not in answer.headers
        assert "presence" in (answer.headers.get("Allow-Events") or "")
        notify = await bob.notify(within=0.1)
        assert notify.uri == f"sip:bob@{bob.address[0]}:5060"
        assert notify.call_id == sub.call_id
        assert notify.from_.tag == sub.to_tag and notify.to.tag == sub.from_tag
        assert notify.from_.uri == ALICE and notify.to.uri == bob.uri
        assert notify.headers.get("Event") == "presence"
        assert notify.headers.get("Max-Forwards") == "70"
        assert notify.headers.get("Contact") == answer.headers.get("Contact")
        assert notify.content_type == PIDF
        assert shown(notify) == [("open", "In")]
        assert state(notify) == "active" and 590 <= left(notify.headers.get("Subscription-State")) <= 600
        assert b'entity="sip:alice@example.org"' in notify.body


@virtual
async def test_the_notify_comes_after_the_200_on_the_same_flow() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await sub.ask()
        await sub.ask(expires=0)
        await bob.quiet(1)
        order = [getattr(got.message, "method", None) or got.message.cseq.number for got in bob.got]
        assert order == [1, "NOTIFY", 2, "NOTIFY", 3, "NOTIFY"]
        assert {got.source for got in bob.got} == {("192.0.2.1", 5060)}
        assert [notify.cseq.number for notify in bob.notifies] == [1, 2, 3]


@virtual
async def test_durations() -> None:
    async with world() as here:
        bob = here.phone("bob")

        async def granted(expires: int | None) -> str | None:
            return (await bob.subscribe(expires=expires)).answer.headers.get("Expires")

        assert await granted(None) == "3600"
        assert await granted(86_400) == "3600"
        assert await granted(4_294_967_296_000) == "3600"
        assert await granted(60) == "60"
        assert await granted(0) == "0"
        refused = (await bob.subscribe(expires=59)).answer
        assert refused.status == 423 and refused.headers.get("Min-Expires") == "60"
        assert (await bob.subscribe("Expires: soon", expires=None)).answer.status == 400


@virtual
async def test_a_refresh_extends_and_tells_the_whole_state_again() -> None:
    async with world() as here:
        await here.phone("alice").publish(document("In"), expires=3600)
        bob = here.phone("bob")
        sub = await bob.subscribe(expires=100)
        await bob.notify()
        await bob.quiet(90)
        answer = await sub.ask(expires=200)
        assert answer.status == 200 and answer.headers.get("Expires") == "200"
        assert answer.to.tag == sub.to_tag
        notify = await bob.notify(within=0.1)
        assert shown(notify) == [("open", "In")]
        assert left(notify.headers.get("Subscription-State")) > 190
        await bob.quiet(195)
        assert state(await bob.notify(within=10)) == "terminated;reason=timeout"


@virtual
async def test_a_refresh_may_shorten() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe(expires=3600)
        await sub.ask(expires=60)
        bob.forget()
        assert state(await bob.notify(within=62)) == "terminated;reason=timeout"


@virtual
async def test_unsubscribing_ends_the_dialog_with_a_last_notify() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        answer = await sub.ask(expires=0)
        assert answer.status == 200 and answer.headers.get("Expires") == "0"
        last = await bob.notify(within=0.1)
        assert state(last) == "terminated;reason=timeout"
        assert "expires" not in (last.headers.get("Subscription-State") or "")
        assert (await sub.ask()).status == 481
        await alice.publish(document("In"))
        await bob.quiet(5)
        assert not here.store.all_subscriptions()


@virtual
async def test_a_fetch_gives_the_state_once_and_leaves_nothing() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("In"))
        sub = await bob.subscribe(expires=0)
        assert sub.answer.status == 200 and sub.answer.headers.get("Expires") == "0"
        notify = await bob.notify(within=0.1)
        assert state(notify) == "terminated;reason=timeout"
        assert shown(notify) == [("open", "In")]
        assert (await sub.ask()).status == 481
        await alice.publish(document("Out"))
        await bob.quiet(60)
        assert not here.store.all_subscriptions()


@virtual
async def test_expiry_is_told_within_two_seconds_and_is_final() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        start = here.clock.wall()
        sub = await bob.subscribe(expires=60)
        await bob.notify()
        last = await bob.notify(within=70)
        assert state(last) == "terminated;reason=timeout"
        assert 60 <= here.clock.wall() - start <= 62
        assert (await sub.ask()).status == 481
        await alice.publish(document("In"))
        await bob.quiet(10)


@pytest.mark.parametrize("event", [None, "Presence", "message-summary", "presence.winfo", "presence.x"])
@virtual
async def test_an_event_that_is_not_ours_is_489_and_says_which_are(event: str | None) -> None:
    async with world() as here:
        answer = (await here.phone().subscribe(event=event)).answer
        assert answer.status == 489
        assert "presence" in (answer.headers.get("Allow-Events") or "").split(", ")
        assert not here.store.all_subscriptions()


@virtual
async def test_two_events_are_400() -> None:
    async with world() as here:
        for sub in (
            await here.phone().subscribe(event="presence, dialog"),
            await here.phone().subscribe("Event: dialog", event="presence"),
            await here.phone().subscribe("o: presence", event="presence"),
        ):
            assert sub.answer.status == 400
        assert not here.store.all_subscriptions()


@virtual
async def test_other_parameters_of_event_do_not_matter() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe(event="presence;max-rate=0.1;x")
        assert sub.answer.status == 200
        assert (await bob.notify()).headers.get("Event") == "presence"
        assert (await sub.ask(event="presence;y=2")).status == 200


@virtual
async def test_the_event_id_is_echoed_and_belongs_to_the_subscription() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe(event="presence;id=7")
        assert (await bob.notify()).headers.get("Event") == "presence;id=7"
        for other in ("presence", "presence;id=07", "presence;id=8"):
            answer = await sub.ask(event=other)
            assert answer.status == 403 and answer.reason != "Forbidden"
        await alice.publish(document("In"))
        notify = await bob.notify()
        assert notify.headers.get("Event") == "presence;id=7" and shown(notify) == [("open", "In")]
        assert (await sub.ask(event="presence;id=7")).status == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/pidf+xml", 200),
        ("Application/PIDF+XML", 200),
        ("application/*", 200),
        ("*/*;q=0.1", 200),
        ("application/cpim-pidf+xml, application/pidf+xml;q=0.5", 200),
        ("application/watcherinfo+xml", 406),
        ("application/pidf+xml;q=0", 406),
        ("text/*", 406),
    ],
)
@virtual
async def test_accept_is_heeded(accept: str, status: int) -> None:
    async with world() as here:
        bob = here.phone("bob")
        answer = (await bob.subscribe(f"Accept: {accept}")).answer
        assert answer.status == status
        if status == 200:
            assert (await bob.notify()).content_type == PIDF
        else:
            assert PIDF in (answer.headers.get("Accept") or "")
            assert not here.store.all_subscriptions()


@virtual
async def test_without_accept_the_package_says_what_is_sent() -> None:
    async with world() as here:
        bob = here.phone("bob")
        await bob.subscribe()
        assert (await bob.notify()).content_type == PIDF


@pytest.mark.parametrize(
    "contact", ["", "*", "<sip:a@192.0.2.9>, <sip:b@192.0.2.9>", "nonsense", "<http://x/>"]
)
@virtual
async def test_exactly_one_usable_contact_is_wanted(contact: str) -> None:
    async with world() as here:
        sub = await here.phone().subscribe(contact=contact)
        assert sub.answer.status == 400
        assert not here.store.all_subscriptions()


@virtual
async def test_a_request_out_of_order_is_500_and_changes_nothing() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe(expires=600)
        assert (await sub.ask(expires=600, cseq=50)).status == 200
        bob.forget()
        assert (await sub.ask(expires=0, cseq=49)).status == 500
        await bob.quiet(1)
        (row,) = here.store.all_subscriptions()
        assert row.remote_cseq == 50
        assert (await sub.ask(expires=600, cseq=51)).status == 200


@virtual
async def test_a_dialog_that_is_not_known_is_481() -> None:
    async with world() as here:
        bob, eve = here.phone("bob"), here.phone("eve")
        sub = await bob.subscribe()
        await bob.notify()
        data = sub.compose()
        for mine, wrong in (
            (f"tag={sub.to_tag}".encode(), b"tag=other"),
            (f"tag={sub.from_tag}".encode(), b"tag=other"),
            (f"Call-ID: {sub.call_id}".encode(), b"Call-ID: other"),
        ):
            changed = data.replace(mine, wrong).replace(b"z9hG4bK", eve.unique("z9hG4bK").encode())
            assert (await bob.ask(changed)).status == 481
        await bob.quiet(1)


@virtual
async def test_a_new_contact_is_where_later_notifies_go() -> None:
    async with world() as here:
        alice, bob, moved = here.phone("alice"), here.phone("bob"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        assert (await sub.ask(contact=moved.contact)).status == 200
        assert (await moved.notify(within=0.1)).cseq.number == 2
        await alice.publish(document("In"))
        assert shown(await moved.notify()) == [("open", "In")]
        await bob.quiet(1)


@virtual
async def test_one_who_moves_does_not_wait_for_the_old_address_to_time_out() -> None:
    async with world() as here:
        alice, bob, moved = here.phone("alice"), here.phone("bob"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        bob.script = lambda request: None
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        await bob.notify()
        assert (await sub.ask(contact=moved.contact)).status == 200
        assert shown(await moved.notify(within=1)) == [("open", "In")]
        await moved.quiet(60)
        await alice.publish(document("Out"), etag=etag)
        assert shown(await moved.notify(within=1)) == [("open", "Out")]
        assert len(here.store.all_subscriptions()) == 1


@virtual
async def test_a_copy_makes_no_second_subscription_and_no_second_notify() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        (first,) = [got.data for got in bob.got if b"SUBSCRIBE" in got.data and got.data.startswith(b"SIP")]
        copy = here.wire.log[0].data
        for _ in range(3):
            bob.send(copy)
        await bob.quiet(5)
        answers = [got.data for got in bob.got if got.data.startswith(b"SIP")]
        assert len(answers) == 4 and set(answers) == {first}
        assert len(here.store.all_subscriptions()) == 1
        assert sub.answer.status == 200


@virtual
async def test_a_copy_over_another_path_is_482() -> None:
    async with world() as here:
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        merged = here.wire.log[0].data.replace(b"z9hG4bK", b"z9hG4bKother")
        assert (await bob.ask(merged)).status == 482
        assert len(here.store.all_subscriptions()) == 1


async def refused(here: World, phone: Phone, *lines: str, **options: object) -> int:
    """The status of a SUBSCRIBE that leaves nothing behind."""
    status = (await phone.subscribe(*lines, **options)).answer.status
    assert not here.store.all_subscriptions()
    return status


@virtual
async def test_checks_come_in_their_order_and_leave_nothing() -> None:
    async with world() as here:
        bob = here.phone("bob")
        worst = {"expires": 5, "contact": "", "event": "x", "uri": "sip:alice@example.net"}
        lines = ["Accept: text/plain", "Require: magic"]
        assert await refused(here, bob, *lines, **worst) == 420
        lines.pop()
        assert await refused(here, bob, *lines, **worst) == 404
        worst.pop("uri")
        assert await refused(here, bob, *lines, **worst) == 489
        worst.pop("event")
        assert await refused(here, bob, *lines, **worst) == 406
        lines.pop()
        assert await refused(here, bob, *lines, **worst) == 400
        worst.pop("contact")
        assert await refused(here, bob, *lines, **worst) == 423
        await bob.quiet(60)


@virtual
async def test_what_is_required_and_unknown_is_named() -> None:
    async with world() as here:
        answer = (await here.phone().subscribe("Require: a, b", "Require: c", "Proxy-Require: d")).answer
        assert answer.status == 420
        assert answer.headers.values("Unsupported") == ["a", "b", "c"]


@virtual
async def test_limits_per_watcher_and_in_all() -> None:
    config = ServerConfig(
        domains=frozenset({"example.org"}), max_subscriptions_per_watcher=2, max_subscriptions=3
    )
    async with world(config=config) as here:
        bob, carol, dave = here.phone("bob"), here.phone("carol"), here.phone("dave")
        subs = [await bob.subscribe() for _ in range(2)]
        assert (await bob.subscribe()).answer.status == 403
        assert (await bob.subscribe(expires=0)).answer.status == 200
        assert (await carol.subscribe()).answer.status == 200
        answer = (await dave.subscribe()).answer
        assert answer.status == 503 and answer.headers.get("Retry-After")
        assert (await subs[0].ask()).status == 200
        assert (await subs[0].ask(expires=0)).status == 200
        assert (await dave.subscribe()).answer.status == 200
        assert len(here.store.all_subscriptions()) == 3


@virtual
async def test_compact_header_names_do_the_same() -> None:
    async with world() as here:
        bob = here.phone("bob")
        data = (
            "SUBSCRIBE sip:alice@example.org SIP/2.0\r\n"
            f"v: SIP/2.0/UDP {bob.address[0]}:5060;branch=z9hG4bKcompact;rport\r\n"
            f"f: <{bob.uri}>;tag=w1\r\nt: <sip:alice@example.org>\r\ni: compact-1\r\nCSeq: 1 SUBSCRIBE\r\n"
            f"m: {bob.contact}\r\no: presence;id=c\r\nExpires: 600\r\nl: 0\r\n\r\n"
        ).encode()
        assert (await bob.ask(data)).status == 200
        assert (await bob.notify()).headers.get("Event") == "presence;id=c"


@virtual
async def test_options_says_what_we_can() -> None:
    async with world() as here:
        bob = here.phone("bob")
        for uri in ("sip:example.org", "sip:192.0.2.1", ALICE):
            answer = await bob.ask(bob.compose("OPTIONS", uri=uri))
            assert answer.status == 200
            assert {"PUBLISH", "SUBSCRIBE", "OPTIONS"} <= set(answer.headers.values("Allow"))
            assert PIDF in answer.headers.values("Accept")
            events = answer.headers.values("Allow-Events")
            assert "presence" in events and not any(event.endswith(".winfo") for event in events)
        sub = await bob.subscribe()
        await bob.notify()
        in_dialog = sub.compose(uri=sub.target).replace(b"SUBSCRIBE", b"OPTIONS")
        assert (await bob.ask(in_dialog)).status == 200
        await bob.quiet(5)
        assert len(here.store.all_subscriptions()) == 1


@virtual
async def test_a_refresh_that_accepts_nothing_of_ours_is_406_and_changes_nothing() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe("Accept: application/pidf+xml")
        await bob.notify()
        assert (await sub.ask("Accept: text/plain")).status == 406
        await bob.quiet(1)
        await alice.publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]
