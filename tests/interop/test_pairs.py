"""Two programs watch each other through the service."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product

import pytest

from tests.interop.clients.baresip import Baresip
from tests.interop.clients.client import PASSWORD, Client, Setup
from tests.interop.clients.linphone import Linphone
from tests.interop.clients.pjsua import Pjsua
from tests.interop.clients.sofia import Sofia
from tests.interop.conftest import Cell, House

pytestmark = pytest.mark.interop

WAYS = [Cell(*each) for each in product(("udp", "tcp", "tls"), (False, True), (False, True))]


@pytest.fixture
def start(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """``start(driver, cell, user, friend)`` gives a program that runs until the test ends."""
    with ExitStack() as stack:

        def start(driver: type[Client], cell: Cell, user: str, friend: str) -> Client:
            entrance, _ = house.entrance(cell, {})
            way = entrance.way(cell.transport, PASSWORD if cell.digest else None)
            home = tmp_path_factory.mktemp(driver.program)
            client = driver(Setup(home, user, way, (friend,), house.folder))
            stack.callback(client.stop)
            client.start()
            client.registered()
            return client

        yield start


PAIRS = [(Baresip, Linphone, cell) for cell in WAYS] + [(Pjsua, Sofia, cell) for cell in WAYS if cell.digest]


@pytest.mark.parametrize(
    ("one", "other", "cell"), PAIRS, ids=lambda each: each.program if isinstance(each, type) else str(each)
)
def test_they_see_each_other(house: House, start, one: type[Client], other: type[Client], cell: Cell) -> None:
    left, right = house.user(), house.user()
    alice, bob = start(one, cell, left, right), start(other, cell, right, left)
    for watcher, publisher in ((alice, bob), (bob, alice)):
        for state in publisher.publishes:
            if state in watcher.shows:
                publisher.publish(state)
                watcher.sees(publisher.setup.user, state)
