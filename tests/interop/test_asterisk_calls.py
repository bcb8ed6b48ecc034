"""Two phones at a real Asterisk call, hold, hang up and crash; who watches their people sees it, whichever way the
service learns of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.facts import CallState, ReachState
from connectors.health import HealthState
from tests.interop.telephony import AVAILABLE, PHONE, RINGING, UNKNOWN, Telephony, telephony
from tests.support.asterisk import MANAGER, PASSWORD, SECRET, Asterisk, asterisk
from tests.support.certificates import Authority
from tests.support.desk_phone import DeskPhone, desk_phone

pytestmark = pytest.mark.interop

CODES = """
exten => *78,1,Answer()
exten => *78,n,Hangup()
exten => *79,1,UserEvent(Lamplighter,Text: auto)
exten => *79,n,Hangup()
"""


@dataclass
class Bench:
    pbx: Asterisk
    alice: DeskPhone
    bob: DeskPhone
    service: Telephony


@asynccontextmanager
async def bench(
    way: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    endpoint: str = "",
    hint: str = "PJSIP/{number}",
    **more: Any,
) -> AsyncIterator[Bench]:
    """``way``: ``manager``, ``manager by TLS``, or the transport of the SIP subscription. ``more``: settings of the
    connector."""
    authority = Authority(folder / "authority")
    certificate = authority.issue("127.0.0.1") if way in ("manager by TLS", "tls") else None
    async with asterisk(
        folder, extensions=CODES, endpoint=endpoint, hint=hint, certificate=certificate
    ) as pbx:
        address = f"127.0.0.1:{pbx.sip_port}"
        given: dict[str, Any]
        if way.startswith("manager"):
            connector, password = "asterisk", SECRET
            given = {"host": "127.0.0.1", "port": pbx.manager_port, "user": MANAGER, "context": "internal"}
            given |= {"extension": "{sip.user}", "ping_after": "1s", "codes": {"*78": "lunch"}}
            if certificate is not None:
                given |= {"port": pbx.manager_tls_port, "tls": True, "ca_file": str(authority.path)}
        else:
            connector, password = "sip_dialog", PASSWORD
            server = f"127.0.0.1:{pbx.sip_tls_port}" if way == "tls" else address
            given = {"address": f"sip:{{sip.user}}@{address}", "server": f"sip:{server};transport={way}"}
            given |= {"user": "watcher", "registration": True}
        async with (
            desk_phone(folder, "1001", PASSWORD, address) as alice,
            desk_phone(folder, "1002", PASSWORD, address) as bob,
            telephony(
                folder, capsys, authority, connector, password, **{**given, "offline_after": "2s", **more}
            ) as service,
        ):
            await service.until(AVAILABLE, AVAILABLE)
            yield Bench(pbx, alice, bob, service)


@pytest.mark.parametrize("way", ["manager", "manager by TLS"])
async def test_calls_by_the_manager(way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with bench(way, tmp_path, capsys) as here:
        await here.alice.call("1002")
        await here.service.call_is("alice", CallState.RINGING)
        await here.service.until(AVAILABLE, RINGING)
        await here.bob.answer()
        await here.service.until(PHONE, PHONE)
        await here.alice.hold()
        await here.service.call_is("alice", CallState.HELD)
        await here.service.call_is("bob", CallState.TALKING)
        await here.alice.resume()
        await here.service.call_is("alice", CallState.TALKING)
        await here.bob.hang_up()
        await here.service.until(AVAILABLE, AVAILABLE)
        assert here.service.shown["bob"][-4:] == [AVAILABLE, RINGING, PHONE, AVAILABLE]


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_calls_by_subscription(way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with bench(way, tmp_path, capsys) as here:
        await here.alice.call("1002")
        # COMPAT(Asterisk): who calls is *confirmed* from the first ring.
        await here.service.until(PHONE, RINGING)
        await here.bob.answer()
        await here.service.until(PHONE, PHONE)
        await here.alice.hold()
        # COMPAT(Asterisk): held is told of the one who was put on hold.
        await here.service.call_is("bob", CallState.HELD)
        await here.alice.resume()
        await here.service.call_is("bob", CallState.TALKING)
        await here.bob.hang_up()
        await here.service.until(AVAILABLE, AVAILABLE)
        assert here.service.shown["bob"][-4:] == [AVAILABLE, RINGING, PHONE, AVAILABLE]


@pytest.mark.parametrize("way", ["manager", "udp"])
async def test_a_phone_that_crashes_in_a_call(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bench(way, tmp_path, capsys) as here:
        await here.service.reach_is("alice", ReachState.REGISTERED)
        await here.alice.call("1002")
        await here.bob.answer()
        await here.service.until(PHONE, PHONE)
        await here.alice.crash()
        await here.bob.hang_up()
        await here.service.until(AVAILABLE, AVAILABLE)
        # That it is gone Asterisk finds out by asking it.
        await here.service.reach_is("alice", ReachState.OFFLINE)
        await here.service.reach_is("bob", ReachState.REGISTERED)


async def test_call_waiting_off_and_a_custom_device_in_the_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FreePBX's ways; either hides something in the hint."""
    settings = {"endpoint": "device_state_busy_at=1", "hint": "PJSIP/{number}&Custom:DND{number}"}
    async with bench("manager", tmp_path, capsys, **settings) as here:
        await here.pbx.console("devstate change Custom:DND1002 NOT_INUSE")
        await here.alice.call("1002")
        await here.service.until(AVAILABLE, RINGING)
        assert "State:Busy" in await here.pbx.console("core show hint 1002")
        await here.bob.hang_up()
        await here.service.until(AVAILABLE, AVAILABLE)
        await here.bob.switch_off()
        await here.service.reach_is("bob", ReachState.OFFLINE)
        assert "State:Idle" in await here.pbx.console("core show hint 1002")


async def test_a_call_that_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with bench("manager", tmp_path, capsys) as here:
        await here.alice.call("1002")
        await here.service.until(AVAILABLE, RINGING)
        await here.bob.hang_up()
        await here.service.until(AVAILABLE, AVAILABLE)
        assert PHONE not in here.service.shown["bob"]


async def test_a_frozen_asterisk_is_unknown_after_a_while_and_health_says_so_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renewal = {"snapshot_interval": "1s", "stale_after": "8s"}
    async with bench("manager", tmp_path, capsys, **renewal) as here:
        await here.alice.call("1002")
        await here.bob.answer()
        await here.service.until(PHONE, PHONE)
        here.pbx.freeze()
        await here.service.health_is("pbx", HealthState.UNREACHABLE)
        # What was known stays valid for a while.
        assert [each[-1] for each in here.service.shown.values()] == [PHONE, PHONE]
        await here.service.until(UNKNOWN, UNKNOWN)
        here.pbx.thaw()
        await here.service.until(PHONE, PHONE)
        await here.service.health_is("pbx", HealthState.OK)


async def test_a_frozen_asterisk_by_subscription(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody answers the refresh, and what was told has its time."""
    async with bench("udp", tmp_path, capsys, expires="10s", stale_after="12s") as here:
        here.pbx.freeze()
        await here.service.until(UNKNOWN, UNKNOWN)
        here.pbx.thaw()
        await here.service.until(AVAILABLE, AVAILABLE)


@pytest.mark.parametrize("way", ["manager", "udp", "tcp", "tls"])
async def test_a_restart_of_asterisk_lets_nobody_flap(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bench(way, tmp_path, capsys, offline_after="30s") as here:
        before = {person: list(shown) for person, shown in here.service.shown.items()}
        await here.pbx.restart()
        if way == "manager":
            await here.service.health_is("pbx", HealthState.UNREACHABLE)
            await here.service.health_is("pbx", HealthState.OK)
        # A call shows that what was kept over the restart works, and that nothing was told meanwhile.
        await here.alice.call("1002")
        await here.service.call_is("bob", CallState.RINGING)
        await here.bob.answer()
        await here.service.until(PHONE, PHONE)
        for person, shown in here.service.shown.items():
            assert set(shown[len(before[person]) :]) <= {RINGING, PHONE}, here.service.shown


async def test_a_dialled_code_is_a_choice_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bench("manager", tmp_path, capsys) as here:
        await here.alice.call("*78")
        await here.service.until("['lunch'] ['At lunch']", AVAILABLE)
        await here.alice.call("*79")
        await here.service.until(AVAILABLE, AVAILABLE)
