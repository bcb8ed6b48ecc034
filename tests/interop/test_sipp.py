"""SIPp, the traffic generator, plays the life cycles of RFC 3903 and RFC 6665 against the server."""

from pathlib import Path

import pytest

from tests.interop.clients.client import PASSWORD
from tests.interop.conftest import Cell, House
from tests.interop.programs import sipp

pytestmark = pytest.mark.interop

DIGEST = {"algorithms": ["MD5"]}
"COMPAT(SIPp 3.6): it ends at a first challenge that it does not know."
WAYS = [
    Cell(transport, digest, proxy)
    for transport in ("udp", "tcp")
    for digest in (False, True)
    for proxy in (False, True)
]


@pytest.mark.parametrize("cell", WAYS, ids=str)
@pytest.mark.parametrize("scenario", ["publish", "subscribe", "watch"])
def test_life_cycle(house: House, tmp_path: Path, scenario: str, cell: Cell) -> None:
    entrance, _ = house.entrance(cell, DIGEST)
    way = entrance.way(cell.transport, PASSWORD if cell.digest else None)
    sipp(scenario, way, tmp_path, house.user(), proxy=cell.proxy)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_fetches_and_what_is_refused(house: House, tmp_path: Path, transport: str) -> None:
    # Directly: the proxy of these tests would keep some of it for itself.
    sipp("fetch_and_refusals", house.service(None).way(transport, None), tmp_path, house.user())


def test_fifty_watchers_at_once(house: House, tmp_path: Path) -> None:
    sipp("watch", house.service(None).way("udp", None), tmp_path, house.user(), calls=50)
