"""Requests with random damage: the answer is never 500, nothing fails inside, and the server goes on."""

import asyncio
import logging
from random import Random

import pytest

from agent.sip.messages import Response
from tests.support.phone import Subscribed, document, shown
from tests.support.virtual_loop import run_virtually
from tests.support.world import world

PIECES = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\0", b"\xff", b"<", b">", b'"', b",", b";", b":", b"@", b"=", b" ", b"%", b"%00",
    b"sip:", b"sips:", b"tel:+1", b"[::1]", b";tag=", b";lr", b";transport=tcp", b";maddr=1.2.3.4", b"4294967296",
    b"-1", b"0", b"*", b"Contact: *\r\n", b"Expires: 0\r\n", b"Event: dialog\r\n", b"Require: x\r\n", b"&a;", b"<a>",
    b"Record-Route: <sip:192.0.2.77>\r\n", b"SIP-If-Match: x\r\n", b"\xc3\xa4", b"A" * 300,
)  # fmt: skip


def damaged(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(changed) + 1)
        kind = random.random()
        if kind < 0.4:
            changed[at:at] = random.choice(PIECES)
        elif kind < 0.6:
            del changed[at : at + random.choice((1, 2, 10, 60))]
        elif kind < 0.8:
            changed[at : at + 1] = bytes([random.randrange(256)])
        elif kind < 0.9:
            other = random.randrange(len(changed) + 1)
            changed[at:at] = changed[other : other + random.randrange(80)]
        else:
            changed[at : at + random.randrange(20)] = random.choice(PIECES)
    return bytes(changed)


async def storm(seed: int, count: int) -> None:
    random = Random(seed)
    async with world() as here:
        bob = here.phone("bob")
        for number in range(count):
            sub = Subscribed(bob, "sip:alice@example.org")
            kind = random.randrange(4)
            if kind == 0:
                lines = ("Event: presence", "Expires: 600", "Content-Type: application/pidf+xml")
                data = bob.compose("PUBLISH", *lines, body=document("In", tuple_id=f"t{number}"))
            elif kind == 1:
                data = sub.compose(
                    "Accept: application/pidf+xml, */*;q=0.1", "Supported: eventlist", event="dialog;id=a"
                )
            elif kind == 2:
                data = sub.compose(
                    "Record-Route: <sip:192.0.2.99;lr>, <sip:192.0.2.98>", expires=random.choice((0, 600))
                )
            else:
                data = bob.compose(random.choice(("OPTIONS", "NOTIFY", "REGISTER", "CANCEL", "ACK")))
            bob.send(damaged(data, random))
            if number % 20 == 0:
                await asyncio.sleep(0.1)
        await asyncio.sleep(4000)
        assert not bob.unreadable
        answers = {got.message.status for got in bob.got if isinstance(got.message, Response)}
        assert 500 not in answers and {200, 400} <= answers
        assert await here.at_rest() == (0, 0, 0)
        assert not here.store.all_subscriptions() and here.server.documents_kept == 0
        alice = here.phone("alice")
        assert (await alice.publish(document("alive"), uri="sip:x@example.org")).status == 200
        await alice.subscribe(uri="sip:x@example.org", expires=0)
        assert shown(await alice.notify()) == [("open", "alive")]


@pytest.mark.parametrize("seed", range(8))
def test_damage_is_refused_and_leaves_nothing(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    run_virtually(storm(seed, 400))
    assert not [record for record in caplog.records if record.name.startswith("agent")], caplog.text
