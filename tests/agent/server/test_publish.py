"""PUBLISH as RFC 3903 §6 wants it, seen from outside."""

from datetime import datetime

import pytest

from agent.documents import pidf
from agent.server.config import ServerConfig
from agent.sip.messages import Request
from tests.support.phone import ALICE, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import world

CLOSED = [("closed", "")]
"What is shown of somebody about whom nothing is published."


@virtual
async def test_an_initial_publication_gets_a_tag_and_a_lifetime() -> None:
    async with world() as here:
        answer = await here.phone("alice").publish(document(), expires=600)
        assert answer.status == 200
        assert answer.headers.get("SIP-ETag")
        assert answer.headers.get("Expires") == "600"
        assert not answer.body


@virtual
async def test_no_dialog_is_made_whatever_the_request_says() -> None:
    async with world() as here:
        alice = here.phone("alice")
        answer = await alice.publish(
            document(), "Record-Route: <sip:proxy.example.org;lr>", f"Contact: {alice.contact}"
        )
        assert answer.status == 200
        assert "Contact" not in answer.headers and "Record-Route" not in answer.headers


@virtual
async def test_a_to_tag_changes_nothing() -> None:
    async with world() as here:
        alice = here.phone("alice")
        lines = ("Event: presence", "Content-Type: application/pidf+xml")
        data = alice.compose("PUBLISH", *lines, to=f"<{ALICE}>;tag=old", body=document("In"))
        assert (await alice.ask(data)).status == 200
        foreign = "sip:alice@elsewhere.example"
        data = alice.compose("PUBLISH", *lines, uri=foreign, to=f"<{foreign}>;tag=old", body=document())
        assert (await alice.ask(data)).status == 404
        assert not here.store.publications(foreign, "presence")


@virtual
async def test_the_lifetime_is_ours_to_lower_and_never_raised() -> None:
    async with world() as here:
        alice = here.phone("alice")
        assert (await alice.publish(document(), expires=None)).headers.get("Expires") == "3600"
        assert (await alice.publish(document(), expires=999_999)).headers.get("Expires") == "3600"
        assert (await alice.publish(document(), expires=61)).headers.get("Expires") == "61"


@virtual
async def test_too_short_a_lifetime_is_423_but_zero_never() -> None:
    async with world() as here:
        alice = here.phone("alice")
        answer = await alice.publish(document(), expires=59)
        assert answer.status == 423 and answer.headers.get("Min-Expires") == "60"
        assert not here.store.publications(ALICE, "presence")
        answer = await alice.publish(document(), expires=0)
        assert answer.status == 200 and answer.headers.get("Expires") == "0"
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_a_refresh_tells_nobody_and_keeps_the_state() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"), expires=120)).headers.get("SIP-ETag")
        await bob.subscribe()
        assert shown(await bob.notify()) == [("open", "In")]
        first = etag
        for _ in range(4):
            answer = await alice.publish(etag=etag, expires=120)
            assert answer.status == 200
            assert answer.headers.get("SIP-ETag") not in (None, etag)
            etag = answer.headers.get("SIP-ETag")
            await bob.quiet(100)
        assert (await alice.publish(etag=first)).status == 412
        assert shown(await bob.notify(within=60)) == CLOSED


@virtual
async def test_a_modification_replaces_the_state() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        await bob.subscribe()
        await bob.notify()
        answer = await alice.publish(document("Out"), etag=etag)
        assert answer.status == 200 and answer.headers.get("SIP-ETag") != etag
        assert shown(await bob.notify(within=1)) == [("open", "Out")]


@virtual
async def test_a_modification_that_changes_nothing_tells_nobody() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        await bob.subscribe()
        await bob.notify()
        assert (await alice.publish(document("In"), etag=etag)).status == 200
        again = document("In").replace(b'<tuple id="t1">', b'\n  <tuple  id="t1">\n')
        assert (await alice.publish(again)).status == 200
        await bob.quiet(20)


@virtual
async def test_a_removal_takes_effect_at_once() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        await bob.subscribe()
        await bob.notify()
        answer = await alice.publish(etag=etag, expires=0)
        assert answer.status == 200 and answer.headers.get("Expires") == "0"
        assert shown(await bob.notify(within=1)) == CLOSED
        assert (await alice.publish(etag=etag, expires=0)).status == 412


@virtual
async def test_a_body_in_a_removal_is_not_stored() -> None:
    async with world() as here:
        alice = here.phone("alice")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        assert (await alice.publish(document("Out"), etag=etag, expires=0)).status == 200
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_what_is_not_refreshed_expires_within_two_seconds() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        assert shown(await bob.notify()) == CLOSED
        published = here.clock.wall()
        etag = (await alice.publish(document("In"), expires=100)).headers.get("SIP-ETag")
        assert shown(await bob.notify()) == [("open", "In")]
        assert shown(await bob.notify(within=110)) == CLOSED
        assert 100 <= here.clock.wall() - published <= 102
        assert not here.store.publications(ALICE, "presence")
        assert (await alice.publish(etag=etag)).status == 412


@pytest.mark.parametrize("tag", ["", "*", '"quoted"', "a, b", "a b", "ä"])
@virtual
async def test_a_malformed_tag_is_400(tag: str) -> None:
    async with world() as here:
        answer = await here.phone("alice").publish(document(), f"SIP-If-Match: {tag}")
        assert answer.status == 400
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_two_tag_headers_are_400() -> None:
    async with world() as here:
        alice = here.phone("alice")
        etag = (await alice.publish(document())).headers.get("SIP-ETag")
        answer = await alice.publish(document(), f"SIP-If-Match: {etag}", f"SIP-If-Match: {etag}")
        assert answer.status == 400


@virtual
async def test_a_tag_that_is_not_of_this_resource_is_412_and_changes_nothing() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        assert (await alice.publish(document(), etag="unknown")).status == 412
        assert (await bob.publish(document(), uri=bob.uri, etag=etag)).status == 412
        assert (await bob.publish(uri=bob.uri, etag=etag, expires=0)).status == 412
        (kept,) = here.store.publications(ALICE, "presence")
        assert kept.entity_tag == etag and kept.body == document("In")
        assert not here.store.publications(bob.uri, "presence")


@virtual
async def test_nothing_to_publish_is_400() -> None:
    async with world() as here:
        alice = here.phone("alice")
        assert (await alice.publish()).status == 400
        assert (await alice.publish(expires=0)).status == 400


@pytest.mark.parametrize("event", [None, "Presence", "message-summary", "presence.winfo", "x"])
@virtual
async def test_an_event_that_is_not_ours_is_489_and_says_which_are(event: str | None) -> None:
    async with world() as here:
        answer = await here.phone("alice").publish(document(), event=event)
        assert answer.status == 489
        assert "presence" in (answer.headers.get("Allow-Events") or "").split(", ")
        assert not here.store.publications(ALICE, "presence")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xpidf+xml", "multipart/signed"])
@virtual
async def test_another_body_type_is_415_and_says_what_is_taken(content_type: str | None) -> None:
    async with world() as here:
        answer = await here.phone("alice").publish(document(), content_type=content_type)
        assert answer.status == 415
        assert answer.headers.get("Accept") == "application/pidf+xml"
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_a_content_type_may_have_parameters_and_capitals() -> None:
    async with world() as here:
        answer = await here.phone("alice").publish(
            document(), content_type="Application/PIDF+xml;charset=UTF-8"
        )
        assert answer.status == 200


@virtual
async def test_a_bad_expires_is_400() -> None:
    async with world() as here:
        for text in ("-1", "soon", "1e3"):
            assert (
                await here.phone("alice").publish(document(), f"Expires: {text}", expires=None)
            ).status == 400


@virtual
async def test_tags_are_never_used_twice() -> None:
    async with world() as here:
        alice = here.phone("alice")
        seen = set()
        etag = None
        for turn in range(50):
            answer = await alice.publish(document(str(turn)), etag=etag if turn % 3 else None)
            etag = answer.headers.get("SIP-ETag")
            assert etag not in seen
            seen.add(etag)


@virtual
async def test_a_copy_of_a_request_is_answered_with_the_same_bytes_and_does_nothing() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        lines = ("Event: presence", "Content-Type: application/pidf+xml")
        data = alice.compose("PUBLISH", *lines, body=document("In"))
        await alice.ask(data)
        for _ in range(3):
            alice.send(data)
        await bob.notify()
        await bob.quiet(10)
        answers = {got.data for got in alice.got}
        assert len(alice.got) == 4 and len(answers) == 1
        assert len(here.store.publications(ALICE, "presence")) == 1


@virtual
async def test_publications_are_worked_on_in_the_order_of_arrival() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("0"))).headers.get("SIP-ETag")
        await bob.subscribe()
        await bob.notify()
        # Two with the same tag in one burst: the first wins, the second hears that its ground is gone.
        for note in ("1", "2"):
            lines = ("Event: presence", "Content-Type: application/pidf+xml", f"SIP-If-Match: {etag}")
            alice.send(alice.compose("PUBLISH", *lines, branch=f"z9hG4bK{note}", body=document(note)))
        assert (await alice.answer_to("z9hG4bK1")).status == 200
        assert (await alice.answer_to("z9hG4bK2")).status == 412
        assert shown(await bob.notify()) == [("open", "1")]


@virtual
async def test_two_publishers_are_shown_together_and_each_goes_alone() -> None:
    async with world() as here:
        desk, mobile, bob = here.phone("alice"), here.phone("alice"), here.phone("bob")
        desk_body = document("Desk", contact="sip:alice@192.0.2.50")
        mobile_body = document("Mobile", basic="closed", contact="sip:alice@192.0.2.51")
        first = (await desk.publish(desk_body)).headers.get("SIP-ETag")
        second = (await mobile.publish(mobile_body)).headers.get("SIP-ETag")
        await bob.subscribe()
        both = await bob.notify()
        assert shown(both) == [("open", "Desk"), ("closed", "Mobile")]
        assert len(set(_tuple_ids(both))) == 2
        assert (await desk.publish(etag=first, expires=0)).status == 200
        assert shown(await bob.notify()) == [("closed", "Mobile")]
        assert (await mobile.publish(etag=second, expires=0)).status == 200
        assert shown(await bob.notify()) == CLOSED


@virtual
async def test_the_presentity_is_the_request_uri_not_to_and_not_the_entity() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        lines = ("Event: presence", "Content-Type: application/pidf+xml")
        body = document("In", entity="pres:somebody@else.example")
        data = alice.compose("PUBLISH", *lines, to="<sip:nobody@example.org>", body=body)
        assert (await alice.ask(data)).status == 200
        await bob.subscribe()
        notify = await bob.notify()
        assert shown(notify) == [("open", "In")]
        assert f'entity="{ALICE}"'.encode() in notify.body


@virtual
async def test_spellings_of_one_address_are_one_presentity() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("In"), uri="sip:%61lice@EXAMPLE.org:5060;transport=udp")
        await bob.subscribe(uri="sips:alice@example.org")
        assert shown(await bob.notify()) == [("open", "In")]
        await bob.subscribe(uri="sip:Alice@example.org")
        assert shown(await bob.notify()) == CLOSED


@virtual
async def test_a_domain_that_is_not_ours_is_404() -> None:
    async with world() as here:
        assert (await here.phone().publish(document(), uri="sip:alice@example.net")).status == 404
        assert (await here.phone().publish(document(), uri="tel:+4930123")).status == 416
        assert (await here.phone().publish(document(), uri="http://example.org/")).status == 416


@virtual
async def test_a_boundary_inside_the_document_is_told_when_it_comes_and_once() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        until = "2026-03-02T09:01:00Z"
        body = document("In").replace(
            b"</presence>",
            b'<p:person xmlns:p="urn:ietf:params:xml:ns:pidf:data-model" id="p1">'
            b'<r:activities xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" until="%b"><r:meeting/></r:activities>'
            b"</p:person></presence>" % until.encode(),
        )
        await alice.publish(body, expires=600)
        await bob.subscribe()
        assert b"meeting" in (await bob.notify()).body
        after = await bob.notify(within=70)
        assert b"meeting" not in after.body
        assert 0 <= here.clock.wall() - _at("2026-03-02T09:01:00Z") <= 1
        await bob.quiet(100)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _tuple_ids(notify: Request) -> list[str]:
    assert state(notify) == "active"
    return [each.id for each in pidf.parse(notify.body).tuples]


@virtual
async def test_a_publisher_that_forgets_its_tags_finds_an_end() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}), max_publications_per_presentity=3)
    async with world(config=config) as here:
        alice = here.phone("alice")
        tags = [(await alice.publish(document(f"{turn}"))).headers.get("SIP-ETag") for turn in range(3)]
        answer = await alice.publish(document("one more"))
        assert answer.status == 503 and answer.headers.get("Retry-After")
        assert (await alice.publish(document("modified"), etag=tags[0])).status == 200
        assert (await alice.publish(etag=tags[1], expires=0)).status == 200
        assert (await alice.publish(document("one more"))).status == 200


@virtual
async def test_expiry_follows_the_wall_clock_when_somebody_sets_it() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=3600)
        await alice.publish(document("In"), expires=1800)
        await bob.quiet(60)
        here.clock.jump(2000)
        assert shown(await bob.notify(within=25)) == CLOSED


@virtual
async def test_a_presence_uri_is_the_same_person() -> None:
    """RFC 3856 §5, RFC 3859."""
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        assert (await alice.publish(document("x"), uri="pres:alice@example.org")).status == 200
        await bob.subscribe(uri="pres:Alice@example.org")
        assert shown(await bob.notify()) == [("closed", "")], "user parts are compared by case"
        await bob.subscribe(uri="PRES:alice@EXAMPLE.org")
        assert shown(await bob.notify()) == [("open", "x")]
        assert (await alice.publish(document("x"), uri="pres:alice@elsewhere.example")).status == 404
        assert (await alice.publish(document("x"), uri="pres:")).status in (400, 404)


@virtual
async def test_a_body_that_its_sender_can_do_without_is_as_if_it_were_not_there() -> None:
    """RFC 3261 §8.2.3, §20.11."""
    optional = "Content-Disposition: render; Handling=Optional"
    async with world() as here:
        alice = here.phone("alice")
        answer = await alice.publish(b"GIF89a", optional, content_type="image/gif")
        assert answer.status == 400, "nothing is left to publish"
        etag = (await alice.publish(document("x"), optional)).headers.get("SIP-ETag")
        assert etag is not None, "what is understood is taken"
        refreshed = await alice.publish(b"GIF89a", optional, content_type="image/gif", etag=etag)
        assert refreshed.status == 200
        etag = refreshed.headers.get("SIP-ETag")
        packed = await alice.publish(b"x", optional, "Content-Encoding: unheard-of", etag=etag)
        assert packed.status == 200
        required = await alice.publish(b"x", "Content-Encoding: unheard-of")
        assert required.status == 415
        assert here.store.publications(ALICE, "presence")[0].body == document("x")
