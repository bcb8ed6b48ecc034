"""aiosip watches and publishes; a challenge it can't answer, and must not answer for ever."""

from pathlib import Path

from tests.interop.clients.aiosip import Aiosip
from tests.interop.clients.client import PASSWORD, Setup
from tests.interop.conftest import House
from tests.interop.scenarios import scenarios

TestAiosip = scenarios(Aiosip)


def test_its_loop_over_a_challenge_ends(house: House, tmp_path: Path) -> None:
    # With several challenges in an answer it fails at once; with one it asks again as fast as it can.
    service = house.service({"algorithms": ["MD5"]})
    client = Aiosip(Setup(tmp_path, house.user(), service.way("udp", PASSWORD)))
    client.start()
    try:
        client.running.type(f"subscribe {client.setup.address}")
        client.running.wait_for("^subscribed 403$")
    finally:
        client.stop()
