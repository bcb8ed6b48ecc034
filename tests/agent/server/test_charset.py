"""What was accepted can be composed: a body is read with its charset when it arrives and ever after."""

import asyncio

import pytest

from agent.server.bodies import check_body
from tests.support.phone import ALICE, PIDF, document, shown
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

DECLARES_UTF8 = document("Grüße").decode()


@virtual
async def test_the_charset_of_the_content_type_beats_the_declaration() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        body = DECLARES_UTF8.encode("iso-8859-1")
        assert check_body("presence", body) is not None, "as UTF-8 it would be refused"
        lines = ("Event: presence", f'Content-Type: {PIDF};charset="ISO-8859-1"', "Expires: 600")
        answer = await alice.ask(alice.compose("PUBLISH", *lines, body=body))
        assert answer.status == 200
        await bob.subscribe(expires=0)
        assert shown(await bob.notify()) == [("open", "Grüße")]


@virtual
async def test_the_same_bytes_in_another_charset_are_another_state() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        body = DECLARES_UTF8.encode("iso-8859-1")
        lines = ("Event: presence", f"Content-Type: {PIDF};charset=iso-8859-1", "Expires: 600")
        tag = (await alice.ask(alice.compose("PUBLISH", *lines, body=body))).headers.get("SIP-ETag")
        await bob.subscribe(expires=600)
        assert shown(await bob.notify()) == [("open", "Grüße")]
        await asyncio.sleep(10)
        lines = ("Event: presence", f"Content-Type: {PIDF};charset=iso-8859-15", "Expires: 600")
        body = body.replace("Grüße".encode("latin-1"), b"\xa4 5")
        again = alice.compose("PUBLISH", *lines, f"SIP-If-Match: {tag}", body=body)
        assert (await alice.ask(again)).status == 200
        assert shown(await bob.notify()) == [("open", "€ 5")]


@virtual_beside_threads
async def test_the_charset_outlives_a_restart(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    async with world(url=url) as here:
        alice = here.phone("alice")
        body = DECLARES_UTF8.encode("iso-8859-1")
        lines = ("Event: presence", f"Content-Type: {PIDF};charset=iso-8859-1", "Expires: 600")
        assert (await alice.ask(alice.compose("PUBLISH", *lines, body=body))).status == 200
    async with world(url=url) as here:
        bob = here.phone("bob")
        await bob.subscribe(expires=0)
        assert shown(await bob.notify()) == [("open", "Grüße")]


@pytest.mark.parametrize("charset", ["idna", "utf-99"])
def test_a_charset_that_we_do_not_read_is_refused(charset: str) -> None:
    assert check_body("presence", document(), charset) is not None


@virtual
async def test_a_refused_one_leaves_nothing_behind() -> None:
    async with world() as here:
        alice = here.phone("alice")
        lines = ("Event: presence", f"Content-Type: {PIDF};charset=idna", "Expires: 600")
        assert (await alice.ask(alice.compose("PUBLISH", *lines, body=document()))).status == 400
        assert not here.store.publications(ALICE, "presence")
