"""Flows: over what and between whom bytes travel (RFC 5626 §3 calls it a flow; a UDP address pair counts too)."""

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """The Via transport token in lower case; ``memory`` joins two endpoints in one process."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    WS = "ws"
    WSS = "wss"
    MEMORY = "memory"

    @property
    def reliable(self) -> bool:
        """No retransmissions by us (RFC 3261 §17.1.2.2)."""
        return self is not Transport.UDP

    @property
    def framed_by_us(self) -> bool:
        """A byte stream that `framing` must cut; the others carry whole messages."""
        return self is Transport.TCP or self is Transport.TLS

    @property
    def secure(self) -> bool:
        return self is Transport.TLS or self is Transport.WSS

    @property
    def via_token(self) -> str:
        # The in-process pipe is a reliable hop that nobody else sees; on the wire log it reads as TCP.
        return "TCP" if self is Transport.MEMORY else self.value.upper()


@dataclass(slots=True, unsafe_hash=True, init=False)
class Flow:
    """One way to reach one peer. Not to be changed.

    ``__init__`` by hand: each datagram asks a flow for several things, and what NamedTuple writes is not compiled.
    """

    transport: Transport
    local: tuple[str, int]
    "Our host and port as peers should see them: what goes into Via and Contact."
    remote: tuple[str, int]
    "The peer's source address."
    connection: int
    "Number of the connection, unique in the process; 0 for UDP."
    listener: int
    "Number of the listening socket that UDP answers leave through."

    def __init__(
        self,
        transport: Transport,
        local: tuple[str, int],
        remote: tuple[str, int],
        connection: int = 0,
        listener: int = 0,
    ) -> None:
        self.transport = transport
        self.local = local
        self.remote = remote
        self.connection = connection
        self.listener = listener

    def __str__(self) -> str:
        return f"{self.transport}:{format_address(self.remote)}"


def format_address(address: tuple[str, int]) -> str:
    """``host:port``, IPv6 in brackets."""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def format_host(host: str) -> str:
    """A host as it stands in a URI or Via: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
