"""Two SIPp phones at a real Asterisk call, hold, hang up and crash; what the watchers of the built-in server see."""

from pathlib import Path
from typing import Any

import pytest

from connectors.facts import CallState
from tests.interop.telephony import AVAILABLE, PHONE, RINGING, Telephony, telephony
from tests.support.asterisk import PASSWORD, SECRET, Asterisk, asterisk
from tests.support.certificates import Authority
from tests.support.sipp_phone import SippPhone, sipp_phone

pytestmark = pytest.mark.interop
GIVEN = {"endpoint": "direct_media=no", "aor": ""}
"A SIPp is there only while it calls or is called."


def ways_of(pbx: Asterisk) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Connector, password and settings."""
    address = f"127.0.0.1:{pbx.sip_port}"
    manager = {"host": "127.0.0.1", "port": pbx.manager_port, "extension": "{sip.user}@internal"}
    subscription = {"address": f"sip:{{sip.user}}@{address}", "user": "watcher"}
    return {
        "manager": ("asterisk", SECRET, manager),
        "subscription": ("sip_dialog", PASSWORD, subscription),
    }


async def hold_and_hang_up(alice: SippPhone, service: Telephony, way: str) -> None:
    # By the manager held is who pressed it, by the hint who was put on hold.
    held = "alice" if way == "manager" else "bob"
    alice.step()
    await service.call_is(held, CallState.HELD)
    alice.step()
    await service.call_is(held, CallState.TALKING)
    alice.step()
    await service.until(AVAILABLE, AVAILABLE)


@pytest.mark.parametrize("way", ["manager", "subscription"])
async def test_sipp_phones_call_hold_and_hang_up(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asterisk(tmp_path, **GIVEN) as pbx:
        connector, password, settings = ways_of(pbx)[way]
        address, authority = f"127.0.0.1:{pbx.sip_port}", Authority(tmp_path / "authority")
        async with (
            sipp_phone(tmp_path, "1001", PASSWORD, address) as alice,
            sipp_phone(tmp_path, "1002", PASSWORD, address) as bob,
            telephony(tmp_path, capsys, authority, connector, password, **settings) as service,
        ):
            await service.until(AVAILABLE, AVAILABLE)
            await bob.wait_to_be_called()
            await alice.call("1002")
            await service.until(PHONE, PHONE)
            await hold_and_hang_up(alice, service, way)
            await alice.ended_well()
            await bob.ended_well()
            assert service.shown["bob"][-4:] == [AVAILABLE, RINGING, PHONE, AVAILABLE]


@pytest.mark.parametrize("way", ["manager", "subscription"])
async def test_a_sipp_phone_crashes_in_a_call(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asterisk(tmp_path, **GIVEN) as pbx:
        connector, password, settings = ways_of(pbx)[way]
        address, authority = f"127.0.0.1:{pbx.sip_port}", Authority(tmp_path / "authority")
        async with (
            sipp_phone(tmp_path, "1001", PASSWORD, address) as alice,
            sipp_phone(tmp_path, "1002", PASSWORD, address) as bob,
            telephony(tmp_path, capsys, authority, connector, password, **settings) as service,
        ):
            await bob.wait_to_be_called()
            await alice.call("1002")
            await service.until(PHONE, PHONE)
            await bob.crash()
            await hold_and_hang_up(alice, service, way)
