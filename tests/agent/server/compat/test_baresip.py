"""COMPAT(baresip 1.0)"""

from tests.support.phone import ALICE, PIDF, Phone, document, shown
from tests.support.verbatim import verbatim
from tests.support.virtual_loop import virtual
from tests.support.world import world


def publication(phone: Phone, *lines: str, body: bytes = b"") -> bytes:
    """Each has a Call-ID of its own."""
    return verbatim(
        phone,
        """
        PUBLISH sip:alice@example.org SIP/2.0
        Via: SIP/2.0/UDP {ip}:5060;branch={branch};rport
        Contact: <sip:alice-0x55d2a8f3c1e0@{ip}:5060>
        Max-Forwards: 70
        To: <sip:alice@example.org>
        From: <sip:alice@example.org>;tag=0f9a83c0c1d5e7b2
        Call-ID: {call}
        CSeq: 1 PUBLISH
        User-Agent: baresip v1.0.0 (x86_64/linux)
        Event: presence
        Expires: 600
        """,
        *lines,
        f"Content-Length: {len(body)}",
        body=body,
        call=phone.unique("c9f0b3"),
    )


@virtual
async def test_publish_modify_and_refresh_each_in_a_call_of_its_own() -> None:
    async with world() as here:
        alice = here.phone("alice")
        first = await alice.ask(publication(alice, f"Content-Type: {PIDF}", body=document("In")))
        tag = first.headers.get("SIP-ETag")
        # The refresh names a type of nothing.
        again = await alice.ask(publication(alice, f"SIP-If-Match: {tag}", f"Content-Type: {PIDF}"))
        assert again.status == 200 and again.headers.get("SIP-ETag") != tag
        (row,) = here.store.publications(ALICE, "presence")
        assert row.body == document("In")


@virtual
async def test_the_second_of_two_first_publications_is_the_one_that_goes_on() -> None:
    # At its start it publishes once more before it has the tag of the first one, which nobody will ever remove.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        tags = []
        for _ in range(2):
            data = publication(alice, f"Content-Type: {PIDF}", body=document("In", tuple_id="t4109"))
            tags.append((await alice.ask(data)).headers.get("SIP-ETag"))
        await bob.subscribe()
        assert shown(await bob.notify()) == [("open", "In")]
        closed = document("Out", basic="closed", tuple_id="t4109")
        await alice.ask(publication(alice, f"SIP-If-Match: {tags[1]}", f"Content-Type: {PIDF}", body=closed))
        assert shown(await bob.notify()) == [("closed", "Out")]


@virtual
async def test_no_accept_and_an_empty_supported() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe("Supported: ")
        assert sub.answer.status == 200
        assert (await bob.notify()).headers.get("Content-Type") == PIDF


@virtual
async def test_what_it_looks_for_in_a_notify() -> None:
    # Text, not XML: `<basic>open</basic>`, `<rpid:busy/>` …; and a Content-Type without parameters, or it answers 415.
    body = (
        b'<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" '
        b'xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:alice@example.org"><p:tuple id="t"><p:status>'
        b'<p:basic>open</p:basic></p:status></p:tuple><d:person id="p"><r:activities><r:away/><r:busy/>'
        b"<r:on-the-phone/></r:activities></d:person></p:presence>"
    )
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        assert (await alice.publish(body, content_type=f"{PIDF};charset=UTF-8")).status == 200
        await bob.subscribe()
        notify = await bob.notify()
        for text in (b"<basic>open</basic>", b"<rpid:busy/>", b"<rpid:away/>", b"<rpid:on-the-phone/>"):
            assert text in notify.body
        assert b"ns0:" not in notify.body and notify.body.startswith(b"<?xml")
        assert b"\r\nContent-Type: application/pidf+xml\r\n" in bob.got[-1].data


@virtual
async def test_nothing_known_is_a_document_and_not_an_empty_notify() -> None:
    # An empty body shows as "Unknown" for good; the document says `closed`, and is replaced by what comes.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        assert shown(await bob.notify()) == [("closed", "")]
        await alice.publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]


@virtual
async def test_the_time_wished_for_stands_in_the_contact_of_a_registration() -> None:
    async with world() as here:
        bob = here.phone("bob")
        data = verbatim(
            bob,
            """
            REGISTER sip:example.org SIP/2.0
            Via: SIP/2.0/UDP {ip}:5060;branch={branch};rport
            Contact: <sip:bob-0x55d2a8f3c1e0@{ip}:5060>;expires=90;+sip.instance="<urn:uuid:0-1>"
            Max-Forwards: 70
            To: <sip:bob@example.org>
            From: <sip:bob@example.org>;tag=3b8f
            Call-ID: 5d1c
            CSeq: 12345 REGISTER
            User-Agent: baresip v1.0.0 (x86_64/linux)
            Supported: gruu,outbound,path
            Content-Length: 0
            """,
        )
        accepted = await bob.ask(data)
        assert accepted.status == 200 and ";expires=90" in (accepted.headers.get("Contact") or "")
