"""Ports for programs that must be told theirs."""

import random
import socket


def free_port() -> int:
    """Free for UDP and TCP on 127.0.0.1, and outside the range from which the system takes ports for connections:
    one of those could be gone again before the program binds it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
