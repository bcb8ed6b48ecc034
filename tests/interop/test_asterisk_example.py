"""Beside a real Asterisk by deploy/examples/asterisk: phones register and call there, their lamps are here."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.interop.clients.client import PASSWORD, Setup
from tests.interop.clients.sofia import Sofia
from tests.interop.conftest import House
from tests.interop.service import serving
from tests.support.asterisk import PASSWORD as PHONE_PASSWORD
from tests.support.asterisk import Asterisk, asterisk
from tests.support.desk_phone import desk_phone

pytestmark = pytest.mark.interop
EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "asterisk"


async def use_example(pbx: Asterisk) -> str:
    """Its manager and dial plan as they stand there, but for this machine's addresses. Returns the secret."""
    etc = pbx.folder / "etc"
    shutil.copy(EXAMPLE / "extensions.conf", etc)
    text = (EXAMPLE / "manager.conf").read_text()
    text = text.replace("5038", str(pbx.manager_port)).replace("0.0.0.0\nport", "127.0.0.1\nport")
    (etc / "manager.conf").write_text(text.replace("192.0.2.20", "127.0.0.1"))
    await pbx.restart()
    found = re.search(r"^secret = (\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


async def test_calls_at_asterisk_light_lamps_here(house: House, tmp_path: Path) -> None:
    settings = yaml.safe_load((EXAMPLE / "lamplighter.yaml").read_text())
    shutil.copy(EXAMPLE / "rules.yaml", tmp_path)
    async with asterisk(tmp_path) as pbx:
        (tmp_path / "manager.password").write_text(await use_example(pbx))
        settings["connectors"]["pbx"]["settings"] |= {"host": "127.0.0.1", "port": pbx.manager_port}
        settings["outbound"]["allow_private"] = ["127.0.0.1"]
        more = {name: settings[name] for name in ("timezone", "rules", "people", "connectors", "outbound")}
        address = f"127.0.0.1:{pbx.sip_port}"
        with serving(tmp_path, house.authority, {}, **more) as service:
            home = tmp_path / "panel"
            home.mkdir()
            # The second account of a phone, or a lamp panel.
            panel = Sofia(Setup(home, house.user(), service.way("tcp", PASSWORD), (), house.folder))

            async def lamps(alice: bool, bob: bool) -> None:
                await asyncio.to_thread(panel.sees_lamp, "1001", alice)
                await asyncio.to_thread(panel.sees_lamp, "1002", bob)

            async with (
                desk_phone(tmp_path, "1001", PHONE_PASSWORD, address) as alice,
                desk_phone(tmp_path, "1002", PHONE_PASSWORD, address) as bob,
            ):
                panel.start()
                try:
                    for number in ("1001", "1002"):
                        panel.watch_lamp(number)
                    await lamps(False, False)
                    await alice.call("1002")
                    await bob.answer()
                    await lamps(True, True)
                    await alice.hang_up()
                    await lamps(False, False)
                    await bob.call("*78")
                    await asyncio.to_thread(panel.sees_lamp, "1002", True)
                finally:
                    panel.stop()
