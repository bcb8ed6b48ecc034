"""The whole service as its user starts it, `lamplighter serve`, and a record-routing proxy in front of it."""

import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.interop.clients.client import PASSWORD, Way
from tests.interop.peer import DOMAIN, HOST
from tests.interop.program import PATIENCE, Program
from tests.support import kamailio
from tests.support.certificates import Authority
from tests.support.ports import free_port

CONFIGURATION = Path(__file__).parent / "proxy.cfg"
USERS = tuple(f"u{number:03}" for number in range(200))
"User names that may sign in with `PASSWORD`. Each test takes new ones."


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where programs find the service, or the proxy in front of it. ``ports``: by transport."""

    ports: Mapping[str, int]
    authority: Path
    "The certificate that has signed the other."
    program: Program

    @property
    def udp(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["udp"]

    def way(self, transport: str, password: str | None) -> Way:
        return Way(transport, "127.0.0.1", self.ports[transport], self.authority, password)


@contextmanager
def serving(folder: Path, authority: Authority, authentication: object, **more: object) -> Iterator[Entrance]:
    """``authentication``: that section of the settings, without accounts; ``more``: other sections."""
    shown = authority.issue("127.0.0.1", "localhost", DOMAIN, file=f"server-{folder.name}")
    port = free_port()
    ports = {"udp": port, "tcp": port, "tls": free_port(), "ws": free_port()}
    listeners: list[dict[str, object]] = [
        {"transport": kind, "host": "127.0.0.1", "port": number} for kind, number in ports.items()
    ]
    listeners[2] |= {"certificate": str(shown.certificate), "key": str(shown.key)}
    if isinstance(authentication, Mapping):
        accounts = {name: {"password": "${INTEROP_PASSWORD}"} for name in USERS}
        authentication = {"trusted_addresses": [HOST], "accounts": accounts, **authentication}
    settings: dict[str, object] = {
        "domains": [DOMAIN], "listeners": listeners, "authentication": authentication, "http": {"enabled": False},
        "store": {"url": "memory:"},
    }  # fmt: skip
    (folder / "lamplighter.yaml").write_text(yaml.safe_dump(settings | more))
    command = (sys.executable, "-m", "agent", "serve", "--settings", str(folder / "lamplighter.yaml"))
    with Program(command, env={"INTEROP_PASSWORD": PASSWORD}) as program:
        program.wait_for("lamplighter is ready", within=60)
        yield Entrance(ports, authority.path, program)


@contextmanager
def proxying(folder: Path, authority: Authority, behind: Entrance) -> Iterator[Entrance]:
    """Kamailio over UDP, TCP and TLS, record-routing to the service over TCP."""
    shown = authority.issue("127.0.0.1", "localhost", DOMAIN, file=f"proxy-{folder.name}")
    port = free_port()
    ports = {"udp": port, "tcp": port, "tls": free_port()}
    listen = [word for kind, number in ports.items() for word in ("-l", f"{kind}:127.0.0.1:{number}")]
    values = {
        "LAMPLIGHTER": f"sip:127.0.0.1:{behind.ports['tcp']};transport=tcp",
        "CERTIFICATE": shown.certificate,
        "KEY": shown.key,
    }
    defined = [word for name, value in values.items() for word in ("-A", f'{name}="{value}"')]
    with Program(kamailio.command(CONFIGURATION, folder, *listen, *defined)) as program:
        for number in set(ports.values()):
            _until_it_listens(number, program)
        yield Entrance(ports, authority.path, program)


def _until_it_listens(port: int, program: Program) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end and program.process.poll() is None, program.said
            time.sleep(0.02)
        else:
            return
