"""Runs an ASGI application inside the service's own event loop."""

import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from agent.net.tls import ServerContext, UnusableCertificate

log = logging.getLogger("lamplighter.http")

CERTIFICATE_EVERY = 60.0
"Seconds between two looks at a certificate's files."
Asgi = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
"An ASGI application."


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the service, not to one of its parts."""
        yield


async def serve(
    app: Asgi,
    sock: socket.socket,
    *,
    connections: int = 200,
    tls: ssl.SSLContext | None = None,
    proxies: Sequence[str] = (),
) -> None:
    """Serve until canceled. Takes over the socket. More than ``connections`` at a time are told 503.

    ``proxies``: addresses and networks whose X-Forwarded-For is believed. There is no log of accesses: addresses have
    tokens in them.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=connections,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = tls
    server = _Server(config)
    try:
        await server.serve(sockets=[sock])
    finally:
        # Canceled, uvicorn leaves its listeners to the event loop, which would look after a closed file descriptor.
        for listener in getattr(server, "servers", ()):
            listener.close()
        sock.close()


async def watch_certificate(context: ServerContext, sleep: Callable[[float], Awaitable[None]]) -> None:
    """For ever: a renewed certificate is shown to new connections; one that is of no use changes nothing."""
    while True:
        await sleep(CERTIFICATE_EVERY)
        try:
            if context.reload():
                log.info("the renewed certificate %s is in force", context.credentials.certificate)
        except UnusableCertificate as error:
            log.error("%s; the one before stays in force", error.reason)


def unix_socket(path: Path) -> socket.socket:
    """A socket file that only our own user may open. One left behind by a killed service is replaced; raises OSError
    when a living one answers there."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except OSError:
        path.unlink(missing_ok=True)
    else:
        raise OSError(f"another Lamplighter already runs here ({path} answers)")
    finally:
        probe.close()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {path}: {error.strerror}") from None
    finally:
        os.umask(mask)
    sock.listen(16)
    sock.setblocking(False)
    return sock


def tcp_socket(host: str, port: int) -> socket.socket:
    """Bound and listening; port 0 takes a free one. Raises OSError with the address in its text."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, f"cannot listen for HTTP on {host} port {port}: {error.strerror}"
        ) from None
    sock.setblocking(False)
    return sock
