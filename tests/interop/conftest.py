"""What the tests of a run share: an authority, the service with and without passwords, and a proxy before each."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.clients.client import PASSWORD, Client, Setup
from tests.interop.peer import Peer
from tests.interop.service import USERS, Entrance, proxying, serving
from tests.support.certificates import Authority


@dataclass(frozen=True, slots=True)
class Cell:
    """One way in which a program comes to the service."""

    transport: str
    digest: bool
    proxy: bool

    def __str__(self) -> str:
        return "-".join(
            (self.transport, "digest" if self.digest else "open", "proxy" if self.proxy else "direct")
        )


def cells(driver: type[Client]) -> list[Cell]:
    """Every way that a program can take."""
    digest = (False, True) if driver.knows_digest else (False,)
    proxy = (False, True) if driver.goes_through_proxies else (False,)
    return [Cell(*each) for each in itertools.product(driver.transports, digest, proxy)]


class House:
    """Services and proxies of a run, each started when the first test wants it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.authority = Authority(folder / "authority")
        self._stack = stack
        self._entrances: dict[str, Entrance] = {}
        self._users = itertools.cycle(USERS)

    def user(self) -> str:
        """A name that no other test has taken yet."""
        return next(self._users)

    def service(self, authentication: Mapping[str, object] | None) -> Entrance:
        """``authentication``: settings beyond the default; None: it is off."""
        key = json.dumps(authentication)
        settings: object = "off" if authentication is None else authentication
        return self._once(f"service {key}", lambda folder: serving(folder, self.authority, settings))

    def entrance(self, cell: Cell, authentication: Mapping[str, object]) -> tuple[Entrance, Entrance]:
        """(where the program knocks, the service itself)."""
        wanted = authentication if cell.digest else None
        service = self.service(wanted)
        if not cell.proxy:
            return service, service
        key = f"proxy {json.dumps(wanted)}"
        return self._once(key, lambda folder: proxying(folder, self.authority, service)), service

    def _once(self, key: str, make: Callable[[Path], "object"]) -> Entrance:
        if key not in self._entrances:
            folder = self.folder / str(len(self._entrances))
            folder.mkdir()
            self._entrances[key] = self._stack.enter_context(make(folder))  # type: ignore[arg-type]
        return self._entrances[key]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path_factory.mktemp("house"), stack)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A program that has come to the service by one way, whom it watches, and the peer at the service's other side."""

    client: Client
    friend: str
    peer: Peer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A class that names a ``driver`` is run once for each way that this program can take."""
    driver: type[Client] | None = getattr(metafunc.cls, "driver", None)
    if driver is not None and "meeting" in metafunc.fixturenames:
        metafunc.parametrize("meeting", cells(driver), ids=str, indirect=True, scope="class")


@pytest.fixture(scope="class")
def meeting(
    request: pytest.FixtureRequest, house: House, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Meeting]:
    """Started once for all that is asked of it on one way."""
    cell: Cell = request.param
    driver: type[Client] = request.cls.driver
    entrance, service = house.entrance(cell, driver.digest)
    user, friend = house.user(), house.user()
    way = entrance.way(cell.transport, PASSWORD if cell.digest else None)
    home = tmp_path_factory.mktemp(driver.program)
    client = driver(Setup(home, user, way, (friend,), house.folder))
    peer = Peer(service.udp)
    try:
        client.start()
        yield Meeting(client, friend, peer)
    finally:
        client.stop()
        peer.close()


@pytest.fixture
def authority(house: House) -> Authority:
    """Has signed the server's certificate."""
    return house.authority


@pytest.fixture
def ports(house: House) -> Mapping[str, int]:
    """Of a service that asks nobody for a password: ``{"udp": port, "tcp": port, "tls": port, "ws": port}``."""
    return house.service(None).ports
