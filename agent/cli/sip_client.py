"""What the commands that speak SIP as a client share: their options, and a user agent for one server."""

import asyncio
import getpass
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent.clock import Clock
from agent.errors import EXIT_UNREACHABLE, EXIT_USAGE, UserError
from agent.net.local_address import local_address_for
from agent.net.resolver import Resolver
from agent.net.transcript import Entry, Transcript
from agent.net.user_agent import UserAgent
from agent.sip.digest import Credentials, DigestClient
from agent.sip.flows import Transport, format_host
from agent.sip.routing import parse_target
from agent.sip.values import parse_host_port, parse_uri

PASSWORD_VARIABLE = "LAMPLIGHTER_SIP_PASSWORD"


class TransportChoice(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="Presence server, HOST or HOST:PORT. Default: found in the DNS by the address's domain.",
    ),
]
TransportOption = Annotated[
    TransportChoice | None,
    typer.Option("--transport", help="Default: what the DNS says, or udp.", case_sensitive=False),
]
UserOption = Annotated[
    str | None,
    typer.Option(
        "--user", help=f"User name for the server. The password: {PASSWORD_VARIABLE}, or asked for."
    ),
]
PasswordFileOption = Annotated[
    Path | None, typer.Option("--password-file", help="File whose first line is the password.")
]
RawOption = Annotated[bool, typer.Option("--raw", help="Print every SIP message as it is on the wire.")]


def usage_error(message: str) -> UserError:
    return UserError(message, exit_code=EXIT_USAGE)


def read_address(text: str) -> str:
    """``alice@example.org`` or ``sip:alice@example.org`` -> a SIP URI. Raises UserError."""
    # A scheme ends at its colon; in `alice@host:5060` an `@` comes first.
    uri = text if re.match(r"(?i)[a-z][a-z0-9+.-]*:", text) else f"sip:{text}"
    try:
        parse_target(uri)
        if not parse_uri(uri).user:
            raise ValueError
    except ValueError:
        raise usage_error(
            f"{text!r} is no SIP address; expected something like sip:alice@example.org"
        ) from None
    return uri


def server_uri(server: str | None, transport: TransportChoice | None, address: str) -> str:
    """The URI that requests for ``address`` are sent to. Raises UserError."""
    tail = f";transport={transport.value}" if transport is not None else ""
    if server is None:
        target = parse_target(address)
        port = f":{target.port}" if target.port is not None else ""
        scheme = "sips" if target.secure else "sip"
        return f"{scheme}:{format_host(target.host)}{port}{tail or _named_transport(address)}"
    if re.match(r"(?i)sips?:", server):
        return server + ("" if "transport=" in server.lower() else tail)
    try:
        host, port_number = parse_host_port(server)
    except ValueError as error:
        raise usage_error(f"--server {server!r}: {error}; expected HOST or HOST:PORT") from None
    return f"sip:{format_host(host)}{f':{port_number}' if port_number else ''}{tail}"


def _named_transport(address: str) -> str:
    named = parse_target(address).transport
    return f";transport={named.value}" if named is not None else ""


def read_credentials(user: str | None, password_file: Path | None) -> Credentials | None:
    """None: none were given. Raises UserError."""
    if user is None:
        return None
    password = os.environ.get(PASSWORD_VARIABLE)
    if password_file is not None:
        try:
            password = password_file.read_text("utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{password_file}: the password can't be read: {error}") from None
    if password is None:
        if not sys.stdin.isatty():
            raise usage_error(f"--user needs a password: set {PASSWORD_VARIABLE} or give --password-file")
        password = getpass.getpass(f"Password of {user}: ")
    return Credentials(user, password)


def new_token() -> str:
    return secrets.token_hex(8)


def spread() -> float:
    return secrets.randbelow(1 << 16) / (1 << 16)


def complain(message: str, advice: str | None = None) -> None:
    """To standard error, as errors that end a command are told."""
    print(f"lamplighter: {message}", file=sys.stderr, flush=True)
    if advice:
        print(f"  {advice}", file=sys.stderr, flush=True)


def print_wire(entry: Entry) -> None:
    """To standard error, so that ``--json`` stays readable by programs."""
    print(f"{entry}\n", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Client:
    """A user agent, and how it reaches the server."""

    agent: UserAgent
    next_hop: str
    transport: Transport
    digest: DigestClient | None


@asynccontextmanager
async def open_client(
    clock: Clock, next_hop: str, credentials: Credentials | None, raw: bool
) -> AsyncIterator[Client]:
    """Sockets for talking to ``next_hop``. Raises UserError if it can't be found."""
    resolver = Resolver()
    try:
        first = (await resolver.resolve(parse_target(next_hop)))[0]
        bind = local_address_for(first.host, first.port)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the server can't be found: {error}",
            ["name it with --server HOST:PORT", "or check the address's domain and the DNS"],
            exit_code=EXIT_UNREACHABLE,
        ) from None
    transcript = Transcript(keep=1, listener=print_wire) if raw else None
    listen_tcp = first.transport is Transport.TCP
    async with UserAgent.open(
        clock, resolver, bind=bind, listen_tcp=listen_tcp, transcript=transcript
    ) as agent:
        digest = DigestClient(credentials, new_token) if credentials is not None else None
        yield Client(agent, next_hop, first.transport, digest)


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """``stop`` is called at Ctrl-C and at termination, instead of a traceback."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
