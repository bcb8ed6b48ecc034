"""Tells systemd how far the service is (sd_notify): one datagram to the socket that it names, nothing without it."""

import contextlib
import socket
from collections.abc import Mapping


def tell(state: str, environ: Mapping[str, str]) -> None:
    """``state``: ``READY=1``, ``STOPPING=1``. That nobody listens is no error."""
    name = environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
