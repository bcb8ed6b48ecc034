"""Kamailio as a source of calls: it publishes dialog states by deploy/examples/kamailio/calls.cfg."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.conftest import House
from tests.interop.peer import Peer
from tests.support.desk_phone import desk_phone
from tests.support.kamailio import database, running
from tests.support.ports import free_port

pytestmark = pytest.mark.interop
CONFIGURATION = Path(__file__).parent / "calls.cfg"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_calls_that_it_publishes_light_lamps(house: House, tmp_path: Path, transport: str) -> None:
    service = house.service({"trusted_addresses": ["127.0.0.0/8"]})
    caller, called = house.user(), house.user()
    database(tmp_path)
    port = free_port()
    values = {
        "LAMPLIGHTER": f"sip:127.0.0.1:{service.ports[transport]};transport={transport}",
        "PUA_DB": f"sqlite:///{tmp_path}/kamailio.db",
    }
    options = [word for kind in ("udp", "tcp") for word in ("-l", f"{kind}:127.0.0.1:{port}")]
    options += [word for name, value in values.items() for word in ("-A", f'{name}="{value}"')]
    peer = Peer(service.udp)

    async def lamp(watch: str, state: str) -> None:
        await asyncio.to_thread(peer.until_lamp, watch, state)

    try:
        async with (
            running(CONFIGURATION, tmp_path, port, *options) as pbx,
            desk_phone(tmp_path, caller, "none", pbx) as alice,
            desk_phone(tmp_path, called, "none", pbx) as bob,
        ):
            watches = [peer.watch(user, "dialog") for user in (caller, called)]
            await alice.call(called)
            await lamp(watches[1], "early")
            await bob.answer()
            for watch in watches:
                await lamp(watch, "confirmed")
            await alice.hang_up()
            for watch in watches:
                await lamp(watch, "dark")
    finally:
        peer.close()
