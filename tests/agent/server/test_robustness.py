"""Bad input: the right status, nothing stored, no noise in the log, and the server goes on."""

import asyncio
import logging

import pytest

from tests.support.phone import ALICE, PIDF, Phone, document, shown
from tests.support.virtual_loop import virtual
from tests.support.world import World, world


def untouched(here: World) -> bool:
    return not here.store.all_subscriptions() and not here.store.publications(ALICE, "presence")


async def still_serves(here: World) -> None:
    """A publication and a fetch work as ever."""
    alice, bob = here.phone("alice"), here.phone("bob")
    assert (await alice.publish(document("alive"))).status == 200
    await bob.subscribe(expires=0)
    assert shown(await bob.notify()) == [("open", "alive")]


def request(*changes: tuple[str, str], method: str = "PUBLISH") -> bytes:
    text = (
        f"{method} sip:alice@example.org SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bKbad;rport\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:bob@example.org>;tag=f1\r\nTo: <sip:alice@example.org>\r\n"
        f"Call-ID: bad-1\r\nCSeq: 1 {method}\r\nEvent: presence\r\nExpires: 600\r\n"
        "Contact: <sip:bob@192.0.2.50>\r\nContent-Type: application/pidf+xml\r\nContent-Length: 0\r\n\r\n"
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode("utf-8", "surrogateescape")


REFUSED = {
    "no From": (request(("From: <sip:bob@example.org>;tag=f1\r\n", "")), 400),
    "no To": (request(("To: <sip:alice@example.org>\r\n", "")), 400),
    "no Call-ID": (request(("Call-ID: bad-1\r\n", "")), 400),
    "no CSeq": (request(("CSeq: 1 PUBLISH\r\n", "")), 400),
    "CSeq of another method": (request(("1 PUBLISH", "1 SUBSCRIBE")), 400),
    "CSeq too large": (request(("1 PUBLISH", "4294967296 PUBLISH")), 400),
    "CSeq negative": (request(("1 PUBLISH", "-1 PUBLISH")), 400),
    "two From": (request(("To:", "From: <sip:x@y>;tag=2\r\nTo:")), 400),
    "two Call-ID": (request(("CSeq", "Call-ID: other\r\nCSeq")), 400),
    "SIP/3.0": (request((" SIP/2.0\r\nVia", " SIP/3.0\r\nVia")), 505),
    "blanks in the URI": (request(("sip:alice@example.org SIP", "sip:alice@ example.org SIP")), 400),
    "a header without colon": (request(("Expires: 600", "Expires 600")), 400),
    "a body that is shorter than said": (request(("Content-Length: 0", "Content-Length: 10")), 400),
    "a negative length": (request(("Content-Length: 0", "Content-Length: -1")), 400),
    "too many headers": (request(("Expires", "X-A: b\r\n" * 200 + "Expires")), 513),
    "a line too long": (request(("Expires", f"X-A: {'b' * 9000}\r\nExpires")), 513),
    "an unknown method": (request(method="FROBNICATE"), 501),
    "a method in lower case": (request(method="publish"), 501),
    "INVITE": (request(method="INVITE"), 405),
    "INFO": (request(method="INFO"), 405),
    "UPDATE": (request(method="UPDATE"), 405),
    "NOTIFY for nothing": (request(method="NOTIFY"), 481),
    "BYE": (request(method="BYE"), 405),
    "CANCEL of nothing": (request(method="CANCEL"), 481),
    "mailto": (request(("PUBLISH sip:alice@example.org", "PUBLISH mailto:alice@example.org")), 416),
    "a body that says it is compressed": (
        request(("Content-Length: 0\r\n\r\n", "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab")),
        400,
    ),
    "a body in a coding that nobody knows": (
        request(("Content-Length: 0\r\n\r\n", "Content-Encoding: zip\r\nContent-Length: 2\r\n\r\nab")),
        415,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@virtual
async def test_a_malformed_request_gets_its_status(case: str) -> None:
    data, status = REFUSED[case]
    async with world() as here:
        bob = here.phone("bob")
        bob.address = ("192.0.2.50", 5060)
        answer = await bob.ask(data)
        assert answer.status == status
        if status in (405, 501):
            assert "PUBLISH" in answer.headers.values("Allow")
        if case == "INVITE":
            bob.send(data.replace(b"INVITE", b"ACK"))
        assert case == "no To" or answer.to.tag
        assert untouched(here)
        await still_serves(here)
        assert await here.at_rest() == (0, 0, 0)


UNANSWERED = {
    "nothing": b"",
    "keep-alive": b"\r\n\r\n",
    "NAT probe": b"\0\0\0\0",
    "noise": bytes(range(256)),
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "no Via": request(("Via: SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bKbad;rport\r\n", "")),
    "a response to nothing": b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n\r\n",
    "ACK": request(method="ACK"),
}


@pytest.mark.parametrize("case", UNANSWERED)
@virtual
async def test_what_cannot_or_must_not_be_answered_is_not(case: str) -> None:
    async with world() as here:
        bob = here.phone("bob")
        bob.send(UNANSWERED[case])
        await asyncio.sleep(40)
        assert not bob.got and untouched(here)
        await still_serves(here)
        assert await here.at_rest() == (0, 0, 0)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%b">' % (n, b"&a%b;" % (b"%d" % (n - 1) if n else b"") * 10) for n in range(9))
    + b']><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"><note>&a8;</note></presence>'
)
BODIES = {
    "text": b"hello",
    "not closed": document("In")[:-5],
    "not closed, two roots": document("In") + document("In"),
    "an entity bomb": BOMB,
    "an external entity": b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"><note>&x;</note></presence>',
    "four thousand levels": b"<a>" * 4_000 + b"</a>" * 4_000,
    "another root": b'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"/>',
    "no namespace": b'<presence entity="sip:a@b"/>',
    "not UTF-8": b"\xff\xfe\xfa" + document("In"),
    "nul": b"\0",
}


@pytest.mark.parametrize("case", BODIES)
@virtual
async def test_a_body_that_is_no_presence_document_is_400(case: str) -> None:
    async with world() as here:
        alice = here.phone("alice")
        assert (await alice.publish(BODIES[case])).status == 400
        assert untouched(here)
        etag = (await alice.publish(document("kept"))).headers.get("SIP-ETag")
        assert (await alice.publish(BODIES[case], etag=etag)).status == 400
        (kept,) = here.store.publications(ALICE, "presence")
        assert kept.body == document("kept") and kept.entity_tag == etag


@virtual
async def test_a_body_over_the_limit_is_413() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        assert (await alice.publish(document("x" * 60_000))).status == 413
        assert untouched(here)
        assert (await alice.publish(document("x" * 30_000))).status == 200
        await bob.subscribe(expires=0)
        assert shown(await bob.notify()) == [("open", "x" * 30_000)]


@virtual
async def test_a_message_over_the_limit_is_513() -> None:
    async with world() as here:
        assert (await here.phone().publish(document("x" * 66_000))).status == 513
        assert untouched(here)


@virtual
async def test_several_large_publications_still_fit_a_datagram() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        for device in "abc":
            body = document(device * 30_000, contact=f"sip:alice@{device}.example.org")
            assert (await alice.publish(body)).status == 200
        await bob.subscribe(expires=0)
        notify = await bob.notify()
        assert len(bob.got[-1].data) < 65_000
        assert [basic for basic, _ in shown(notify)] == ["open"]


async def quietly(caplog: pytest.LogCaptureFixture, phone: Phone, datagrams: list[bytes]) -> None:
    """At most one line each, no traceback, nothing of what was in them."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    for data in datagrams:
        phone.send(data)
    await asyncio.sleep(1)
    lines = [record for record in caplog.records if record.name.startswith("agent")]
    assert len(lines) <= len(datagrams)
    assert not any(record.exc_info for record in lines)
    assert "s3cret" not in caplog.text


def test_bad_input_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    @virtual
    async def run() -> None:
        async with world() as here:
            bob = here.phone("bob")
            secret = request(("Expires: 600", 'Expires: x\r\nAuthorization: Digest response="s3cret"'))
            everything = [*(data for data, _ in REFUSED.values()), *UNANSWERED.values(), secret]
            await quietly(caplog, bob, everything)
            bodies = [
                bob.compose(
                    "PUBLISH",
                    "Event: presence",
                    f"Content-Type: {PIDF}",
                    body=body.replace(b"hello", b"s3cret"),
                )
                for body in BODIES.values()
            ]
            await quietly(caplog, bob, bodies)
            assert untouched(here)

    run()


@virtual
async def test_a_handler_that_fails_is_a_500_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as here:
        bob = here.phone("bob")
        with monkeypatch.context() as broken:
            broken.setattr(type(here.store), "put_subscription", _broken)
            assert (await bob.subscribe()).answer.status == 500
        await still_serves(here)


def _broken(self: object, row: object) -> None:
    raise RuntimeError("a fault of ours")


@virtual
async def test_identities_that_others_have_signed_are_ignored() -> None:
    """RFC 4474 and RFC 8224: whoever demands them is not us; RFC 6442: nor are places in headers."""
    signed = (
        'Identity: "ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB0SsSAaifsRdiOPoQZYOy2wrVghuhcs="',
        "Identity-Info: <https://example.org/example.cer>;alg=rsa-sha1",
        "Date: Thu, 21 Feb 2002 13:02:03 GMT",
        "P-Preferred-Identity: <sip:boss@example.org>",
        "Geolocation: <cid:target123@example.org>",
    )
    passport = (
        "Identity: eyJhbGciOiJFUzI1NiJ9..sig;info=<https://cert.example.org/p.cer>;alg=ES256;ppt=shaken",
    )
    async with world() as here:
        for lines in (signed, passport):
            alice, bob = here.phone("alice"), here.phone("bob")
            assert (await alice.publish(document("x"), *lines)).status == 200
            subscribed = await bob.subscribe(*lines)
            assert subscribed.answer.status == 200
            await bob.notify()
        assert {row.watcher for row in here.store.all_subscriptions()} == {"sip:bob@example.org"}
