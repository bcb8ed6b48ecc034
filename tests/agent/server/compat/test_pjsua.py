"""COMPAT(pjsua 2.12 to 2.17): PJSIP, which is in many softphones."""

from agent.sip.flows import Transport
from tests.support.listeners import listening_world, plain
from tests.support.phone import ALICE, PIDF, document, shown, state
from tests.support.stream import Stream
from tests.support.verbatim import verbatim
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world


@virtual
async def test_a_subscription_as_it_writes_it() -> None:
    # No brackets, `;ob`, two blanks in Content-Length, a type before PIDF's successor in Accept.
    async with world() as here:
        bob = here.phone("bob")
        data = verbatim(
            bob,
            """
            SUBSCRIBE sip:alice@example.org SIP/2.0
            Via: SIP/2.0/UDP {ip}:5060;rport;branch={branch}
            Max-Forwards: 70
            From: sip:bob@example.org;tag=5cYv1
            To: sip:alice@example.org
            Contact: <sip:bob@{ip}:5060;ob>
            Call-ID: e7-Wk
            CSeq: 27301 SUBSCRIBE
            Event: presence
            Expires: 600
            Supported: replaces, 100rel, timer, norefersub, trickle-ice
            Accept: application/pidf+xml, application/xpidf+xml
            Allow-Events: presence, message-summary, refer
            User-Agent: PJSUA v2.17-dev Linux-6.1/x86_64/glibc-2.36
            Content-Length:  0
            """,
        )
        assert (await bob.ask(data)).status == 200
        notify = await bob.notify()
        assert notify.uri == f"sip:bob@{bob.address[0]}:5060;ob" and notify.to.tag == "5cYv1"
        assert b"<tuple id=" in notify.body and b"<basic>" in notify.body, "it looks for unprefixed elements"


@virtual
async def test_publications_in_one_call_with_new_from_tags_and_tuple_ids() -> None:
    # Neither Expires nor Contact in the first one.
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        tag = None
        for number in (1, 2):
            lines = [f"SIP-If-Match: {tag}"] if tag else []
            body = document("In", tuple_id=f"pj{number}")
            data = alice.compose(
                "PUBLISH", "Event: presence", f"Content-Type: {PIDF}", *lines, call_id="same", cseq=27000 + number,
                body=body,
            )  # fmt: skip
            answer = await alice.ask(data)
            assert answer.status == 200 and int(answer.headers.get("Expires") or 0) > 0
            tag = answer.headers.get("SIP-ETag")
            assert shown(await bob.notify()) == [("open", "In")]
        assert len(here.store.publications(ALICE, "presence")) == 1


@virtual_beside_threads
async def test_keep_alives_of_two_bytes_and_an_alias_in_via() -> None:
    async with (
        listening_world(plain(Transport.TCP)) as (here, (address,)),
        await Stream.connect(address) as bob,
    ):
        data = bob.compose("SUBSCRIBE", "Event: presence", "Contact: <sip:bob@127.0.0.1:9;transport=TCP;ob>")
        bob.send(b"\r\n" + data.replace(b";branch=", b";rport;alias;branch=", 1) + b"\r\n")
        assert (await bob.response()).status == 200
        await bob.notify()
        bob.send(b"\r\n")
        await here.phone("alice").publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]


@virtual
async def test_subscribing_again_right_after_the_end() -> None:
    # Half a second after `terminated;reason=timeout`, in a dialog of its own.
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        await sub.ask(expires=0)
        assert state(await bob.notify()) == "terminated;reason=timeout"
        assert (await bob.subscribe()).answer.status == 200
        assert state(await bob.notify()) == "active"
