"""Kamailio as PBX: it publishes the calls of its phones to its own presence module, where the service subscribes."""

from pathlib import Path

import pytest

from connectors.facts import CallState
from tests.interop.telephony import AVAILABLE, PHONE, RINGING, telephony
from tests.support.certificates import Authority
from tests.support.desk_phone import desk_phone
from tests.support.kamailio import PASSWORD
from tests.support.kamailio_pbx import WATCHER, kamailio_pbx

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_calls_as_kamailio_publishes_them(
    transport: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(tmp_path / "authority")
    async with kamailio_pbx(tmp_path) as pbx:
        given = {"address": f"sip:{{sip.user}}@{pbx}", "server": f"sip:{pbx};transport={transport}"}
        async with (
            desk_phone(tmp_path, "1001", "none", pbx) as alice,
            desk_phone(tmp_path, "1002", "none", pbx) as bob,
            telephony(tmp_path, capsys, authority, "sip_dialog", PASSWORD, user=WATCHER, **given) as service,
        ):
            # COMPAT(Kamailio 5.6): nobody has published yet, and it says so with an empty NOTIFY.
            await service.until(AVAILABLE, AVAILABLE)
            await alice.call("1002")
            # Finer than Asterisk: who calls is not on the phone before the other answers.
            await service.until(AVAILABLE, RINGING)
            await service.call_is("alice", CallState.RINGING)
            await bob.answer()
            await service.until(PHONE, PHONE)
            await alice.hang_up()
            await service.until(AVAILABLE, AVAILABLE)
            await bob.call("1001")
            await service.until(RINGING, AVAILABLE)
            await alice.hang_up()
            await service.until(AVAILABLE, AVAILABLE)
            assert service.shown["bob"][-4:] == [AVAILABLE, RINGING, PHONE, AVAILABLE]
