"""Requests as real clients write them: strict servers trip over these, this one must not."""

import pytest

from agent.sip.messages import Request
from tests.support.phone import Phone, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import world


def without_length(data: bytes) -> bytes:
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@virtual
async def test_no_content_length_over_udp() -> None:
    # COMPAT(linphone 5.1): it sends none, neither in requests nor in answers.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        plain_send = bob.send
        bob.send = lambda data: plain_send(without_length(data))  # type: ignore[method-assign]
        sub = await bob.subscribe()
        assert sub.answer.status == 200
        await bob.notify()
        lines = ("Event: presence", "Content-Type: application/pidf+xml")
        published = await alice.ask(without_length(alice.compose("PUBLISH", *lines, body=document("In"))))
        assert published.status == 200
        assert shown(await bob.notify()) == [("open", "In")]
        await bob.quiet(60)
        assert len(here.store.all_subscriptions()) == 1


@virtual
async def test_unsubscribing_under_the_presentitys_own_address() -> None:
    # COMPAT(libpurple 2.14): the Request-URI is the address of record, not our Contact.
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        assert (await sub.ask(expires=0, uri="sip:alice@example.org")).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"


@virtual
async def test_answers_that_echo_every_header() -> None:
    # COMPAT(libpurple 2.14): its 200 carries Subscription-State and Content-Type of the NOTIFY.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")

        def echo(request: Request) -> tuple[int, list[tuple[str, str]]]:
            skipped = ("Via", "From", "To", "Call-ID", "CSeq", "Content-Length")
            return 200, [item for item in request.headers if item[0] not in skipped]

        bob.script = echo
        await bob.subscribe()
        await bob.notify()
        await alice.publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]
        await bob.quiet(60)


@pytest.mark.parametrize(
    "contact", ['<sip:bob@{0}:5060>;expires=300;+sip.instance="<urn:uuid:1-2>"', "sip:bob@{0}:5060"]
)
@virtual
async def test_contacts_with_parameters_or_without_brackets(contact: str) -> None:
    # COMPAT(linphone 5.1): it uses the Contact that its registrar gave back, parameters and all.
    async with world() as here:
        bob = here.phone("bob")
        assert (await bob.subscribe(contact=contact.format(bob.address[0]))).answer.status == 200
        assert (await bob.notify()).uri == f"sip:bob@{bob.address[0]}:5060"


@virtual
async def test_a_refresh_that_names_a_type_of_nothing() -> None:
    # COMPAT(baresip 1.0): it refreshes with Content-Type and an empty body.
    async with world() as here:
        alice = here.phone("alice")
        etag = (await alice.publish(document("In"))).headers.get("SIP-ETag")
        answer = await alice.publish(b"", "Content-Type: application/pidf+xml", etag=etag)
        assert answer.status == 200
        assert here.store.publications("sip:alice@example.org", "presence")[0].body == document("In")


@virtual
async def test_each_publish_with_a_call_id_of_its_own_or_all_with_one() -> None:
    # COMPAT(baresip 1.0, twinkle 1.10): a new Call-ID each. COMPAT(pjsua 2.17): one for all, with new From tags.
    async with world() as here:
        alice = here.phone("alice")
        lines = ["Event: presence", "Content-Type: application/pidf+xml"]
        for call_id in ("same", "same", None, None):
            data = alice.compose("PUBLISH", *lines, call_id=call_id, body=document("In"))
            answer = await alice.ask(data)
            assert answer.status == 200
            lines = [*lines[:2], f"SIP-If-Match: {answer.headers.get('SIP-ETag')}"]
        assert len(here.store.publications("sip:alice@example.org", "presence")) == 1


@virtual
async def test_what_simple_clients_look_for_in_a_notify() -> None:
    # COMPAT(baresip 1.0, pjsua 2.17): unprefixed elements only. COMPAT(baresip 1.0): a Content-Type without parameters.
    # COMPAT(libpurple 2.14): long header names.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        body = document("In").replace(b"<presence ", b'<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" ')
        for name in (b"tuple", b"status", b"basic", b"note"):
            body = body.replace(b"<%b" % name, b"<p:%b" % name).replace(b"</%b" % name, b"</p:%b" % name)
        body = body.replace(b"</presence>", b"</p:presence>")
        assert (await alice.publish(body)).status == 200
        await bob.subscribe()
        notify = await bob.notify()
        assert b"<basic>open</basic>" in notify.body and b"<tuple id=" in notify.body
        raw = bob.got[-1].data
        assert b"\r\nContent-Type: application/pidf+xml\r\n" in raw
        for name in (b"Via", b"From", b"To", b"Call-ID", b"Event", b"Content-Length", b"Contact"):
            assert b"\r\n%b: " % name in raw


@virtual
async def test_a_via_that_names_another_port_than_the_source() -> None:
    # COMPAT(sipsak 0.9): the answer goes to where the request came from, as rport asks.
    async with world() as here:
        bob = here.phone("bob")
        data = (
            bob.compose("OPTIONS")
            .replace(b":5060;branch", b":7777;branch")
            .replace(b";rport", b";rport;alias")
        )
        assert (await bob.ask(data)).status == 200


@virtual
async def test_large_first_sequence_numbers() -> None:
    # COMPAT(sofia-sip 1.12): CSeq begins near 10^9. The largest that there is works too.
    async with world() as here:
        bob: Phone = here.phone("bob")
        for first in (1_000_000_007, 2**31 - 1):
            sub = await bob.subscribe(cseq=first)
            assert sub.answer.status == 200
            assert (await sub.ask()).status == 200
