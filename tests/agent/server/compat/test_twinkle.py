"""COMPAT(twinkle 1.10)"""

from dataclasses import replace

import pytest

from agent.server.config import ServerConfig
from tests.support.credentials import PASSWORDS, answer, nonce_of
from tests.support.phone import ALICE, PIDF, Phone, document
from tests.support.virtual_loop import virtual
from tests.support.world import world


def publication(phone: Phone, cseq: int, *lines: str) -> bytes:
    head = ("Event: presence", f"Content-Type: {PIDF}", "Expires: 3600", *lines)
    return phone.compose("PUBLISH", *head, cseq=cseq, body=document("In"))


@virtual
async def test_a_new_call_and_a_random_number_for_each_publish_of_one_publication() -> None:
    async with world() as here:
        alice = here.phone("alice")
        tag = (await alice.ask(publication(alice, 712))).headers.get("SIP-ETag")
        answered = await alice.ask(publication(alice, 48, f"SIP-If-Match: {tag}"))
        assert answered.status == 200
        assert len(here.store.publications(ALICE, "presence")) == 1


@pytest.mark.parametrize(("offered", "status"), [(("SHA-256", "MD5"), 200), (("SHA-256",), 401)])
@virtual
async def test_parameters_without_blanks_and_md5_whatever_was_offered(
    offered: tuple[str, ...], status: int
) -> None:
    # MD5 is taken by default; where it was switched off, saying it all the same opens nothing.
    async with world(passwords=replace(PASSWORDS, algorithms=offered)) as here:
        alice = here.phone("alice")
        nonce = nonce_of(await alice.ask(publication(alice, 1)), offered[-1])
        given = answer(nonce, "PUBLISH", ALICE)
        line = (
            'Authorization: Digest username="{username}",realm="{realm}",nonce="{nonce}",uri="{uri}",'
            'response="{response}",algorithm=MD5,cnonce="{cnonce}",qop={qop},nc={nc}'
        ).format(**given)
        assert (await alice.ask(publication(alice, 2, line))).status == status


@virtual
async def test_messages_name_their_charset() -> None:
    heard: list[str] = []

    async def command(who: str, text: str) -> str:
        heard.append(text)
        return "ok"

    agent = "sip:lamplighter@example.org"
    async with world(config=ServerConfig(domains=frozenset({"example.org"}), agent_address=agent)) as here:
        here.server.messages.commands = command
        bob = here.phone("bob")
        data = bob.compose(
            "MESSAGE", "Content-Type: text/plain;charset=utf-8", uri=agent, body="Pause ☕".encode()
        )
        assert (await bob.ask(data)).status == 200
        assert heard == ["Pause ☕"]
