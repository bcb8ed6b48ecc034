"""SIPp, the traffic generator, plays the life cycles of RFC 3903 and RFC 6665 against the server."""

from pathlib import Path

import pytest

from tests.interop.conftest import House
from tests.interop.programs import sipp

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("scenario", ["publish", "subscribe", "fetch_and_refusals", "watch"])
def test_life_cycle(
    house: House, ports: dict[str, int], tmp_path: Path, scenario: str, transport: str
) -> None:
    sipp(scenario, transport, ports[transport], tmp_path, house.user())


def test_fifty_watchers_at_once(house: House, ports: dict[str, int], tmp_path: Path) -> None:
    sipp("watch", "udp", ports["udp"], tmp_path, house.user(), calls=50)
