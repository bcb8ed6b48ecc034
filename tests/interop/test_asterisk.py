"""Our subscriber at a real Asterisk: who calls, rings and talks, as its hints tell it."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.cli.sip_client import open_client
from agent.cli.watch import Watcher, WatchOptions
from agent.clock import SystemClock
from agent.sip.digest import Credentials
from agent.supervise import Supervisor
from tests.support.asterisk import PASSWORD, asterisk
from tests.support.desk_phone import desk_phone

pytestmark = pytest.mark.interop
CLOCK = SystemClock()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_is_told_from_the_first_ring_to_the_end(
    transport: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: dict[str, list[str]] = {}

    async def until_told(state: str, of: str) -> None:
        """Until that is the last that the watcher has told of that phone."""
        while told.get(of, [""])[-1] != state:
            await asyncio.sleep(0.01)
            for line in capsys.readouterr().out.splitlines():
                said = json.loads(line)
                told.setdefault(said["uri"].partition("@")[0], []).append(said["state"])

    async with asyncio.timeout(60), asterisk(tmp_path) as pbx:
        address = f"127.0.0.1:{pbx.sip_port}"
        credentials = Credentials("watcher", PASSWORD)
        async with (
            open_client(CLOCK, f"sip:{address};transport={transport}", credentials, raw=False) as client,
            Supervisor() as supervisor,
            desk_phone(tmp_path, "1001", PASSWORD, address) as alice,
            desk_phone(tmp_path, "1002", PASSWORD, address) as bob,
        ):
            options = WatchOptions("dialog", as_json=True, from_=f"sip:watcher@{address}")
            watcher = Watcher(client, CLOCK, options, [f"sip:{one}@{address}" for one in pbx.phones])
            watching = supervisor.spawn(watcher.run(), "watch")
            await until_told("no call", of="sip:1001")
            await until_told("no call", of="sip:1002")
            await alice.call("1002")
            await until_told("early", of="sip:1002")
            # COMPAT(Asterisk 22): of who calls it says nothing finer, not even while the other phone rings.
            await until_told("confirmed", of="sip:1001")
            await bob.answer()
            await until_told("confirmed", of="sip:1002")
            await alice.hang_up()
            await until_told("no call", of="sip:1001")
            await until_told("no call", of="sip:1002")
            watcher.stop()
            assert await watching == 0
