"""Which address of this machine a peer would see."""

import socket


def local_address_for(host: str, port: int) -> str:
    """Our address on the way to a numeric ``host``; the kernel looks it up, nothing is sent. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        address: str = probe.getsockname()[0]
        return address
