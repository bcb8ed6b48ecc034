"""A TCP or TLS connection to a server that talks by itself, driven by a pure session."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol, TypeVar

from connectors.addresses import AllowList
from connectors.base import Clock
from connectors.errors import Misconfigured, Refused, Unreachable

CONNECT_WITHIN = 10.0
"Seconds."
READ = 1 << 16

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Session(Protocol[T_co]):
    """The protocol, without I/O; ``now`` is monotonic seconds. Its methods raise ConnectorError when it is over."""

    def output(self) -> bytes:
        """What to write now; handed out once."""
        ...

    def deadline(self) -> float:
        """Call ``tick`` then, if nothing is read before."""
        ...

    def tick(self, now: float) -> None: ...

    def receive(self, data: bytes, now: float) -> Sequence[T_co]:
        """What has happened, in order."""
        ...


class Connection:
    """One at a time; may be opened again after it was lost."""

    def __init__(self, who: str, clock: Clock, allow: AllowList) -> None:
        """``who`` is at the other end, for people: ``Asterisk``. ``allow``: private addresses that may be reached."""
        self._who, self._clock, self._allow = who, clock, allow
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._closed = False

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Raises `Unreachable`, and `Refused` for an address that the administrator has not allowed."""
        where = f"{self._who} at {host}:{port}"
        name = host if tls is not None else None
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                address = await self._address(host, port)
                self._reader, self._writer = await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=name
                )
        except TimeoutError:
            raise Unreachable(f"{where} does not answer") from None
        except ssl.SSLError as error:
            raise Unreachable(f"TLS with {where} failed ({error.reason or error})") from None
        except OSError as error:
            raise Unreachable(f"{where} cannot be reached ({error.strerror or 'no such host'})") from None

    async def _address(self, host: str, port: int) -> str:
        """Where the name leads, looked up once: what is checked is what is connected to. Raises OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(info[4][0]) for info in found]
        for address in addresses:
            if self._allow.reaches(host, ip_address(address.partition("%")[0])):
                return address
        raise Refused(f"{self._who} at {host} is on a private network ({addresses[0]})")

    async def converse(
        self, session: Session[T], happened: Callable[[T], None], alive: Callable[[], None]
    ) -> None:
        """Until `close`. ``alive`` is called after whatever has been received.

        Raises what the session raises, and `Unreachable` when the other side hangs up.
        """
        reader, writer = self._reader, self._writer
        assert reader is not None and writer is not None
        try:
            while not self._closed:
                writer.write(session.output())
                try:
                    async with asyncio.timeout(max(session.deadline() - self._clock.monotonic(), 0.0)):
                        data = await reader.read(READ)
                except TimeoutError:
                    session.tick(self._clock.monotonic())
                    continue
                if data:
                    for each in session.receive(data, self._clock.monotonic()):
                        happened(each)
                    alive()
                elif not self._closed:
                    raise Unreachable(f"{self._who} closed the connection")
        finally:
            writer.close()

    def close(self) -> None:
        """For good: ``converse`` returns."""
        self._closed = True
        if self._writer is not None:
            self._writer.close()


def client_tls(ca_file: Path | None = None) -> ssl.SSLContext:
    """Verifies the server's name and certificate. ``ca_file``: trust these instead of the system's."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"{ca_file} holds no certificates ({error.strerror or error})") from None
