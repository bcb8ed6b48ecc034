"""COMPAT(linphone 5.1): belle-sip and liblinphone."""

import zlib

import pytest

from agent.server.config import ServerConfig
from tests.support.credentials import PASSWORDS, answer, nonce_of
from tests.support.phone import ALICE, PIDF, Phone, document, shown, state
from tests.support.verbatim import verbatim
from tests.support.virtual_loop import virtual
from tests.support.world import world

AGENT = "sip:lamplighter@example.org"


def subscription(phone: Phone, *lines: str, **values: str) -> bytes:
    """No Accept, no Content-Length, no brackets in To."""
    return verbatim(
        phone,
        """
        SUBSCRIBE sip:alice@example.org SIP/2.0
        Via: SIP/2.0/UDP {ip}:5060;branch={branch};rport
        From: <sip:bob@example.org>;tag=ITM0jmkXZ
        To: sip:alice@example.org{to_tag}
        CSeq: {cseq} SUBSCRIBE
        Call-ID: 9Hs0GYsdBh
        Max-Forwards: 70
        Supported: replaces, outbound, gruu, path, record-aware
        Event: presence
        Expires: {expires}
        Contact: <sip:bob@{ip};transport=udp>;expires=300;+sip.instance="<urn:uuid:6a9a2a4c-0000-4000-8000-1>"
        User-Agent: Linphonec/5.1.65 (belle-sip/5.1.65)
        """,
        *lines,
        **({"cseq": "20", "expires": "600", "to_tag": ""} | values),
    )


def without_length(data: bytes) -> bytes:
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@virtual
async def test_no_accept_no_brackets_no_content_length_over_udp() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        plain_send = bob.send
        bob.send = lambda data: plain_send(without_length(data))  # type: ignore[method-assign]  # answers too
        granted = await bob.ask(subscription(bob))
        assert granted.status == 200
        notify = await bob.notify()
        assert notify.headers.get("Content-Type") == PIDF and notify.from_.tag == granted.to.tag
        data = alice.compose("PUBLISH", "Event: presence", f"Content-Type: {PIDF}", body=document("In"))
        assert (await alice.ask(without_length(data))).status == 200
        assert shown(await bob.notify()) == [("open", "In")]
        await bob.quiet(60)
        assert len(here.store.all_subscriptions()) == 1


@virtual
async def test_the_contact_that_its_registrar_gave_back_is_its_target() -> None:
    # Parameters of the header stay outside of the URI.
    async with world() as here:
        bob = here.phone("bob")
        await bob.ask(subscription(bob))
        assert (await bob.notify()).uri == f"sip:bob@{bob.address[0]};transport=udp"


@virtual
async def test_gruus_are_not_offered() -> None:
    # It would put one into every Contact, and NOTIFYs could not be routed to it.
    async with world() as here:
        bob = here.phone("bob")
        register = verbatim(
            bob,
            """
            REGISTER sip:example.org SIP/2.0
            Via: SIP/2.0/UDP {ip}:5060;branch={branch};rport
            From: <sip:bob@example.org>;tag=yzaLGUTCu
            To: sip:bob@example.org
            CSeq: 20 REGISTER
            Call-ID: RH7gyb1PPO
            Max-Forwards: 70
            Supported: replaces, outbound, gruu, path, record-aware
            Accept: application/sdp
            Accept: text/plain
            Accept: application/vnd.gsma.rcs-ft-http+xml
            Contact: <sip:bob@{ip};transport=udp>;+sip.instance="<urn:uuid:6a9a2a4c-0000-4000-8000-1>"
            Expires: 300
            User-Agent: Linphonec/5.1.65 (belle-sip/5.1.65)
            """,
        )
        accepted = await bob.ask(register)
        assert accepted.status == 200
        (contact,) = accepted.headers.values("Contact")
        assert "gruu" not in contact and f"sip:bob@{bob.address[0]};transport=udp" in contact


@virtual
async def test_two_blanks_before_digest_and_one_nonce_for_several_requests() -> None:
    async with world(passwords=PASSWORDS) as here:
        bob = here.phone("bob")
        nonce = nonce_of(await bob.ask(subscription(bob)))

        def authorization(uri: str, nc: int) -> str:
            given = answer(nonce, "SUBSCRIBE", uri, "bob", nc=nc, cnonce="b1ZcRJ9rTnWh5QKp")
            return (
                'Authorization:  Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, '
                'username="{username}",  uri="{uri}", response="{response}", cnonce="{cnonce}", nc={nc}, qop={qop}'
            ).format(**given)

        granted = await bob.ask(subscription(bob, authorization(ALICE, 1), cseq="21"))
        assert granted.status == 200
        await bob.notify()
        target = (granted.headers.get("Contact") or "").strip("<>")
        leaving = subscription(
            bob, authorization(target, 2), cseq="22", expires="0", to_tag=f";tag={granted.to.tag}"
        )
        leaving = leaving.replace(b"SUBSCRIBE sip:alice@example.org", b"SUBSCRIBE " + target.encode(), 1)
        assert (await bob.ask(leaving)).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"


@virtual
async def test_a_foreign_child_of_status_and_a_bare_timestamp() -> None:
    body = (
        b'<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
        b'<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:pidfonline="http://www.linphone.org/xsds/pidfonline.xsd"'
        b' entity="sip:alice@example.org">\n<tuple id="szqfhe"><status><basic>open</basic>'
        b'<pidfonline:online/></status><contact priority="0.8">sip:alice@example.org</contact>'
        b"<timestamp>2026-11-22T10:04:00Z</timestamp></tuple></presence>\n"
    )
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        assert (await alice.publish(body)).status == 200
        await bob.subscribe()
        notify = await bob.notify()
        assert shown(notify) == [("open", "")]
        assert b"pidfonline.xsd" in notify.body, "what is not known is passed on"


@virtual
async def test_receipts_are_taken_and_not_obeyed() -> None:
    # It answers a message with a deflated receipt (RFC 5438). Nobody here waits for it; refused, it would be an error.
    heard: list[str] = []

    async def command(who: str, text: str) -> str:
        heard.append(text)
        return "ok"

    config = ServerConfig(domains=frozenset({"example.org"}), agent_address=AGENT)
    async with world(config=config) as here:
        here.server.messages.commands = command
        bob = here.phone("bob")
        receipt = b"<?xml version='1.0'?><imdn xmlns='urn:ietf:params:xml:ns:imdn'></imdn>"
        data = bob.compose(
            "MESSAGE",
            "Content-Type: message/imdn+xml",
            "Content-Encoding: deflate",
            "Priority: non-urgent",
            uri=AGENT,
            body=zlib.compress(receipt),
        )
        assert (await bob.ask(data)).status == 200
        assert heard == [] and not bob.requests


@pytest.mark.parametrize("pack", [zlib.compress, lambda body: zlib.compress(body)[2:-4]])
@virtual
async def test_deflated_bodies_are_read(pack) -> None:
    # Some programs leave zlib's frame out; both are read.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        answer = await alice.publish(pack(document("In")), "Content-Encoding: deflate")
        assert answer.status == 200
        await bob.subscribe()
        assert shown(await bob.notify()) == [("open", "In")]


@virtual
async def test_what_swells_too_far_or_is_broken_is_refused() -> None:
    async with world() as here:
        alice = here.phone("alice")
        bomb = await alice.publish(zlib.compress(b" " * 10_000_000), "Content-Encoding: deflate")
        assert bomb.status == 413
        broken = await alice.publish(b"not deflated", "Content-Encoding: deflate")
        assert broken.status == 400
        other = await alice.publish(document("In"), "Content-Encoding: br")
        assert (other.status, other.headers.get("Accept-Encoding")) == (415, "identity, deflate, gzip")
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_lists_in_the_request_are_refused_by_name() -> None:
    # With `rls_uri`. It then goes on without.
    async with world() as here:
        bob = here.phone("bob")
        data = bob.compose(
            "SUBSCRIBE",
            "Event: presence",
            "Expires: 600",
            f"Contact: {bob.contact}",
            "Require: recipient-list-subscribe",
            "Supported: eventlist",
            "Accept: multipart/related",
            "Accept: application/pidf+xml",
            "Accept: application/rlmi+xml",
            "Accept-Encoding: deflate",
            "Content-Disposition: recipient-list",
            "Content-Encoding: deflate",
            "Content-Type: application/resource-lists+xml",
            uri="sip:rls@example.org",
            body=zlib.compress(b"<resource-lists/>"),
        )
        refused = await bob.ask(data)
        assert (refused.status, refused.headers.get("Unsupported")) == (420, "recipient-list-subscribe")


@virtual
async def test_event_packages_are_compared_letter_by_letter() -> None:
    # `Presence`, which its lists use, is not `presence` (RFC 6665 §8.2.1).
    async with world() as here:
        sub = await here.phone("bob").subscribe(event="Presence")
        assert sub.answer.status == 489 and "presence" in (sub.answer.headers.get("Allow-Events") or "")
