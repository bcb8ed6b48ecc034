"""Ports for programs that must be told theirs."""

import random
import socket


def free_port(count: int = 1) -> int:
    """Free for UDP and TCP on 127.0.0.1, with those after it as far as ``count`` says, and outside the range from which
    the system takes ports for connections: one of those could be gone again before the program binds it."""
    while True:
        port = random.randrange(20_000, 32_000)
        if all(_is_free(each) for each in range(port, port + count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
