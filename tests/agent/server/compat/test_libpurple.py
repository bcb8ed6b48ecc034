"""COMPAT(libpurple 2.14): SIMPLE in Pidgin and Finch."""

import re
from dataclasses import replace

import pytest

from agent.sip.flows import Transport
from agent.sip.messages import Request
from tests.support.credentials import PASSWORDS, answer, nonce_of
from tests.support.listeners import listening_world, plain
from tests.support.phone import ALICE, Phone, document, shown, state
from tests.support.stream import Stream
from tests.support.verbatim import verbatim
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

LENIENT = replace(PASSWORDS, accept_without_qop=True)
BODY = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b"<presence xmlns='urn:ietf:params:xml:ns:pidf'\nxmlns:im='urn:ietf:params:xml:ns:pidf:im'\n"
    b"entity='sip:alice@example.org'>\n<tuple id='bs35r9f'>\n<status>\n<basic>%b</basic>\n</status>\n"
    b"<note>%b</note>\n</tuple>\n</presence>"
)


def publication(phone: Phone, *lines: str, basic: bytes = b"open", note: bytes = b"", **values: str) -> bytes:
    body = BODY % (basic, note)
    return verbatim(
        phone,
        """
        PUBLISH sip:alice@example.org SIP/2.0
        Via: SIP/2.0/UDP {ip}:5060;branch={branch}
        From: <sip:alice@example.org>;tag=1804289383;epid=1234567890
        To: <sip:alice@example.org>
        Max-Forwards: 10
        CSeq: {cseq} PUBLISH
        User-Agent: Purple/2.14.12
        Call-ID: 3CF1g327B123
        Expires: 600
        Event: presence
        Content-Type: application/pidf+xml
        """,
        *lines,
        f"Content-Length: {len(body)}",
        body=body,
        **({"cseq": "1"} | values),
    )


def authorization(nonce: str, method: str = "PUBLISH", uri: str = ALICE) -> str:
    """RFC 2069, whatever was offered, with a count all the same."""
    given = answer(nonce, method, uri, qop=None)
    return (
        'Authorization: Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        'nc="00000001", response="{response}"'
    ).format(**given)


@pytest.mark.parametrize("cseq", ["1", "2"])
@virtual
async def test_a_challenge_is_answered_with_the_same_branch(cseq: str) -> None:
    # After 401 it raises the CSeq, after 407 it does not.
    async with world(passwords=LENIENT) as here:
        alice = here.phone("alice")
        challenge = await alice.ask(publication(alice, branch="z9hG4bKsame"))
        line = authorization(nonce_of(challenge))
        alice.forget()
        granted = await alice.ask(publication(alice, line, branch="z9hG4bKsame", cseq=cseq))
        assert granted.status == 200
        assert here.store.publications(ALICE, "presence")


@pytest.mark.parametrize("accepted", [True, False])
@virtual
async def test_rfc_2069_is_a_setting(accepted: bool) -> None:
    # Strict by default: such an answer can be replayed while its nonce lives, by whoever has read it.
    async with world(passwords=replace(PASSWORDS, accept_without_qop=accepted)) as here:
        alice = here.phone("alice")
        nonce = nonce_of(await alice.ask(publication(alice)))
        outcome = await alice.ask(publication(alice, authorization(nonce), cseq="2"))
        assert outcome.status == (200 if accepted else 401)


@virtual
async def test_going_offline_is_a_publication_of_closed_with_an_empty_note() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.ask(publication(alice, note=b"at my desk"))
        await bob.subscribe()
        assert shown(await bob.notify()) == [("open", "at my desk")]
        # It knows no entity-tags: this is one more publication, with the tuple id of the first.
        assert (await alice.ask(publication(alice, basic=b"closed", cseq="2"))).status == 200
        assert shown(await bob.notify()) == [("closed", "")]
        assert len(here.store.publications(ALICE, "presence")) == 2


@virtual
async def test_unsubscribing_under_the_presentitys_own_address() -> None:
    # The Request-URI is the address of record, not our Contact.
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        assert (await sub.ask(expires=0, uri=ALICE)).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"


@virtual
async def test_its_answers_echo_every_header() -> None:
    # Its 200 carries Subscription-State and Content-Type of the NOTIFY.
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


@virtual
async def test_header_names_are_long_and_parameters_of_from_come_back() -> None:
    # It knows no compact names, and finds its conversations by the whole From.
    async with world() as here:
        bob = here.phone("bob")
        data = bob.compose(
            "SUBSCRIBE",
            "Event: presence",
            "Accept: application/pidf+xml, application/xpidf+xml",
            f"Contact: {bob.contact}",
            from_="<sip:bob@example.org>;tag=17;epid=1234567890",
        )
        assert (await bob.ask(data)).status == 200
        await bob.notify()
        raw = next(got.data for got in bob.got if got.data.startswith(b"NOTIFY"))
        for name in (b"Via", b"From", b"To", b"Call-ID", b"Event", b"Content-Length", b"Contact"):
            assert b"\r\n%b: " % name in raw
        assert re.search(rb"\r\nTo: <sip:bob@example\.org>.*;epid=1234567890", raw)


@virtual_beside_threads
async def test_its_messages_over_tcp_each_get_an_answer_of_their_own() -> None:
    # It reads one message per packet; so the answer and the NOTIFY after it have to be able to come one by one.
    async with (
        listening_world(plain(Transport.TCP)) as (here, (address,)),
        await Stream.connect(address) as bob,
    ):
        bob.send(bob.compose("SUBSCRIBE", "Event: presence", "Contact: <sip:bob@127.0.0.1:9;transport=tcp>"))
        assert (await bob.response()).status == 200
        assert shown(await bob.notify()) == [("closed", "")]
        await here.phone("alice").publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]
