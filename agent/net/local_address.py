"""Which addresses this machine has, and which of them a peer would see."""

import socket
from ipaddress import ip_address


def local_address_for(host: str, port: int) -> str:
    """Our address on the way to a numeric ``host``; the kernel looks it up, nothing is sent. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        address: str = probe.getsockname()[0]
        return address


def is_wildcard(host: str) -> bool:
    """Whether a socket bound to this numeric address hears every address of the machine."""
    return ip_address(host.partition("%")[0]).is_unspecified


def is_local_address(host: str) -> bool:
    """Whether ``host`` is a numeric address of this machine: nobody else's can be bound."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except (ValueError, OSError):
        return False
    return True
