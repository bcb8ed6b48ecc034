"""sipsak registers, publishes and writes, by files that it sends."""

from pathlib import Path

import pytest

from tests.interop.clients.client import Setup
from tests.interop.clients.sipsak import Sipsak
from tests.interop.conftest import House
from tests.interop.scenarios import scenarios

TestSipsak = scenarios(Sipsak)


def sipsak(house: House, home: Path, password: str | None) -> Sipsak:
    service = house.service(None if password is None else {})
    client = Sipsak(Setup(home, house.user(), service.way("udp", password)))
    client.start()
    return client


def test_a_wrong_password_opens_nothing(house: House, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="401"):
        sipsak(house, tmp_path, "guess").registered()


def test_a_message_to_somebody_else_is_refused(house: House, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="404"):
        sipsak(house, tmp_path, None).send_message("sip:somebody@example.org", "hello")
