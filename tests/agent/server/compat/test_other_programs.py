"""COMPAT(sipsak 0.9, Sofia-SIP 1.12, Kamailio 5.6 as publisher, aiosip 0.2): one or two habits each."""

import asyncio
from dataclasses import replace

import pytest

from agent.settings.sip import AuthenticationSettings
from agent.sip.digest import parse_authentication
from tests.support.credentials import PASSWORDS, answer, nonce_of
from tests.support.phone import ALICE, PIDF, Phone, document, shown
from tests.support.verbatim import verbatim
from tests.support.virtual_loop import virtual
from tests.support.world import world


@virtual
async def test_sipsak_names_another_port_than_the_one_that_it_sends_from() -> None:
    # The answer goes to where the request came from, as rport asks.
    async with world() as here:
        bob = here.phone("bob")
        data = bob.compose("OPTIONS").replace(b":5060;branch", b":7777;branch")
        assert (await bob.ask(data.replace(b";rport", b";rport;alias"))).status == 200


@virtual
async def test_sipsak_quotes_what_should_be_bare() -> None:
    async with world(passwords=PASSWORDS) as here:
        alice = here.phone("alice")
        lines = ("Event: presence", f"Content-Type: {PIDF}")
        nonce = nonce_of(await alice.ask(alice.compose("PUBLISH", *lines, body=document("In"))))
        given = answer(nonce, "PUBLISH", ALICE)
        line = (
            'Authorization: Digest username="{username}", uri="{uri}", algorithm="{algorithm}", realm="{realm}", '
            'nonce="{nonce}", qop="{qop}", nc={nc}, cnonce="{cnonce}", response="{response}"'
        ).format(**given)
        data = alice.compose("PUBLISH", *lines, line, cseq=2, body=document("In"))
        assert (await alice.ask(data)).status == 200


PATTERNS = AuthenticationSettings().md5_only_for


@pytest.mark.parametrize(
    ("user_agent", "offered"),
    [
        ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),
        ("sofia-sip/1.12.11devel", ["MD5"]),
        ("sipsak 0.9.8.1", ["MD5"]),
        ("Linphonec/5.1.65 (belle-sip/5.1.65)", ["SHA-256", "MD5"]),
        ("baresip v3.10.0 (x86_64/Linux)", ["SHA-256", "MD5"]),
    ],
)
@virtual
async def test_some_give_up_at_a_first_challenge_that_they_do_not_know(
    user_agent: str, offered: list[str]
) -> None:
    async with world(passwords=replace(PASSWORDS, md5_only_for=PATTERNS)) as here:
        challenged = (await here.phone("bob").subscribe(f"User-Agent: {user_agent}")).answer
        values = challenged.headers.get_all("WWW-Authenticate")
        assert [parse_authentication(value)[1]["algorithm"] for value in values] == offered


@virtual
async def test_where_md5_was_switched_off_it_stays_so() -> None:
    strict = replace(PASSWORDS, md5_only_for=PATTERNS, algorithms=("SHA-256",))
    async with world(passwords=strict) as here:
        challenged = (await here.phone("bob").subscribe("User-Agent: sipsak 0.9.8.1")).answer
        (value,) = challenged.headers.get_all("WWW-Authenticate")
        assert "algorithm=SHA-256" in value


@pytest.mark.parametrize("first", [1_000_000_007, 2**31 - 2])
@virtual
async def test_sofia_begins_with_large_numbers(first: int) -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe(cseq=first)
        assert sub.answer.status == 200
        assert (await sub.ask()).status == 200


@virtual
async def test_sofias_client_nonce_is_base64() -> None:
    async with world(passwords=PASSWORDS) as here:
        bob = here.phone("bob")
        nonce = nonce_of((await bob.subscribe()).answer, "SHA-256")
        given = answer(nonce, "SUBSCRIBE", ALICE, "bob", algorithm="SHA-256", cnonce="8T5XdbK+/Ek=")
        line = (
            'Authorization: Digest username="{username}", realm="{realm}", nonce="{nonce}", cnonce="{cnonce}", '
            'uri="{uri}", response="{response}", algorithm={algorithm}, qop={qop}, nc={nc}'
        ).format(**given)
        assert (await bob.subscribe(line)).answer.status == 200


def of_an_edge(phone: Phone, version: int, *lines: str, state: str = "Trying", expires: int = 301) -> bytes:
    """A PUBLISH of pua_dialoginfo: the same CSeq always, no Contact, To before From, odd durations."""
    body = (
        f'<?xml version="1.0"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" '
        'state="full" entity="sip:alice@example.org">\n'
        f'  <dialog id="padi-1a2b-1" call-id="padi-1a2b-1" direction="initiator">\n    <state>{state}</state>\n'
        '    <remote><identity>sip:bob@example.org</identity><target uri="sip:bob@example.org"/></remote>\n'
        "    <local><identity>sip:alice@example.org</identity></local>\n  </dialog>\n</dialog-info>\n"
    ).encode()
    return verbatim(
        phone,
        """
        PUBLISH sip:alice@example.org SIP/2.0
        Via: SIP/2.0/UDP {ip};branch={branch}.0
        To: <sip:alice@example.org>
        From: <sip:alice@example.org>;tag=533cb9e91f4b999cf76861cbb9ed54ed-5f2c
        CSeq: 10 PUBLISH
        Call-ID: {call}
        Content-Length: {length}
        User-Agent: kamailio (5.6.3 (x86_64/linux))
        Max-Forwards: 70
        Event: dialog
        Expires: {expires}
        Content-Type: application/dialog-info+xml
        """,
        *lines,
        body=body,
        call=phone.unique("0a1b"),
        length=str(len(body)),
        expires=str(expires),
    )


@virtual
async def test_kamailios_edge_counts_its_documents_by_itself() -> None:
    # Its `version` begins anew with each publisher; each subscription gets numbers of its own (RFC 4235 §4.1.1).
    async with world() as here:
        edge, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(event="dialog")
        first = (await bob.notify()).body
        assert (await edge.ask(of_an_edge(edge, 7))).status == 200
        second = (await bob.notify()).body
        tag = edge.got[-1].message.headers.get("SIP-ETag")
        await edge.ask(of_an_edge(edge, 0, f"SIP-If-Match: {tag}"))
        await bob.quiet(5)  # the same call in the same state is no news
        assert b'version="0"' in first and b'version="1"' in second
        assert b"<state>trying</state>" in second


@virtual
async def test_kamailios_edge_publishes_a_call_twice_before_it_knows_its_tag() -> None:
    async with world() as here:
        edge, bob = here.phone("alice"), here.phone("bob")
        await edge.ask(of_an_edge(edge, 0))
        tag = (await edge.ask(of_an_edge(edge, 1, state="early"))).headers.get("SIP-ETag")
        assert len(here.store.publications(ALICE, "dialog")) == 1
        await bob.subscribe(event="dialog")
        assert b"<state>early</state>" in (await bob.notify()).body
        over = of_an_edge(edge, 2, f"SIP-If-Match: {tag}", state="terminated", expires=11)
        assert (await edge.ask(over)).status == 200
        assert b"<dialog " not in (await bob.notify()).body


@virtual
async def test_kamailios_last_word_on_a_call_lives_eleven_seconds() -> None:
    async with world() as here:
        edge, bob = here.phone("alice"), here.phone("bob")
        assert (await edge.ask(of_an_edge(edge, 0, state="confirmed", expires=11))).status == 423
        tag = (await edge.ask(of_an_edge(edge, 0, state="confirmed"))).headers.get("SIP-ETag")
        await bob.subscribe(event="dialog")
        assert b"<state>confirmed</state>" in (await bob.notify()).body
        over = of_an_edge(edge, 1, f"SIP-If-Match: {tag}", state="terminated", expires=11)
        assert (await edge.ask(over)).status == 200
        assert b"<state>confirmed</state>" not in (await bob.notify()).body


@virtual
async def test_aiosip_sorts_its_headers_and_ends_with_via() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("In"))
        data = verbatim(
            bob,
            """
            SUBSCRIBE sip:alice@example.org SIP/2.0
            Accept: application/pidf+xml
            CSeq: 1 SUBSCRIBE
            Call-ID: 5f0f0b0c-1
            Contact: <sip:bob@{ip}:5060>
            Content-Length: 0
            Event: presence
            Expires: 600
            From: <sip:bob@example.org>;tag=b0b
            Max-Forwards: 70
            To: <sip:alice@example.org>
            User-Agent: Python/3.11 aiosip/0.2.0
            Via: SIP/2.0/UDP {ip}:5060;branch={branch}
            """,
        )
        assert (await bob.ask(data)).status == 200
        assert shown(await bob.notify()) == [("open", "In")]


@virtual
async def test_aiosip_answers_every_challenge_wrongly_and_at_once() -> None:
    # It repeats qop without nc and cnonce, with the same branch, and splits challenges at "=": so nonces have none. A
    # 403 ends its loop after ten rounds.
    async with world(passwords=PASSWORDS) as here:
        alice = here.phone("alice")
        lines = ("Event: presence", f"Content-Type: {PIDF}")
        statuses = []
        authorization: tuple[str, ...] = ()
        for cseq in range(1, 30):
            data = alice.compose(
                "PUBLISH", *lines, *authorization, cseq=cseq, branch="z9hG4bKaio", body=document("In")
            )
            alice.forget()
            answered = await alice.ask(data)
            statuses.append(answered.status)
            if answered.status != 401:
                break
            nonce = nonce_of(answered)
            assert "=" not in nonce
            given = answer(nonce, "PUBLISH", ALICE, qop=None)
            authorization = (
                'Authorization: Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                'response="{response}", algorithm="MD5", qop="auth,auth-int"'.format(**given),
            )
        assert statuses[-1] == 403 and len(statuses) < 15
        await asyncio.sleep(0)


@virtual
async def test_notifies_that_overtake_the_answer() -> None:
    # Behind a proxy that happens. All watchers take it; and a watcher that answers such a NOTIFY before it has seen
    # the 200 has its subscription.
    async with world() as here:
        bob = here.phone("bob")
        here.wire.reordering = 1.0
        for _ in range(20):
            sub = await bob.subscribe()
            assert sub.answer.status == 200
            await bob.notify()
        assert len(here.store.all_subscriptions()) == 20
