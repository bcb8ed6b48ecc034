"""``lamplighter publish``: a publisher (RFC 3903) for one state of one person."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.sip_client import (
    Client,
    PasswordFileOption,
    RawOption,
    ServerOption,
    TransportOption,
    UserOption,
    complain,
    new_token,
    on_interrupt,
    open_client,
    read_address,
    read_credentials,
    server_uri,
    spread,
    usage_error,
)
from agent.clock import Clock, SystemClock
from agent.documents import pidf
from agent.documents.data_model import Person
from agent.documents.errors import DocumentError
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities
from agent.documents.rpid_names import ACTIVITIES
from agent.documents.values import Note
from agent.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE, UserError
from agent.publisher.publisher import Options, Publisher
from agent.publisher.session import Health, Kind, State
from agent.supervise import Supervisor

LEAVE_WITHIN = 3.0
"Seconds that a server gets to confirm the removal."


class BasicChoice(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


def document(entity: str, basic: str, activities: tuple[str, ...], note: str | None, now: datetime) -> bytes:
    """PIDF with one service and the person. Activities that RPID has no word for become its ``other``."""
    known = tuple(name for name in activities if name in ACTIVITIES)
    others = ", ".join(name for name in activities if name not in ACTIVITIES)
    elements = (Activities(known, Note(others) if others else None),) if activities else ()
    notes = (Note(note),) if note is not None else ()
    # Ids that are the same each time: to the server it is the same service and person in a new state.
    name = sha256(f"lamplighter publish {entity}".encode()).hexdigest()[:8]
    return pidf.build(
        Presence(
            entity,
            tuples=(Tuple(f"t-{name}", Status(basic), (), Contact(entity), notes, now),),
            persons=(Person(f"p-{name}", elements, notes, now),),
        )
    )


def read_document(path: Path) -> bytes:
    """A PIDF file as it is. Raises UserError if it is not PIDF."""
    try:
        body = path.read_bytes()
        pidf.parse(body)
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except DocumentError as error:
        raise UserError(f"{path}: not a presence document (PIDF)", [str(error)]) from None
    return body


class Publication:
    """One person's publication for the life of the command."""

    def __init__(
        self, client: Client, clock: Clock, supervisor: Supervisor, entity: str, expires: int
    ) -> None:
        self._clock = clock
        self._entity = entity
        self._stopping = False
        self._changed = asyncio.Event()
        self._stands = False
        credentials = client.digest.credentials if client.digest is not None else None
        self._publisher = Publisher(
            client.agent,
            clock,
            supervisor.spawn,
            Options(target=client.next_hop, expires=expires, credentials=lambda entity: credentials),
            token=new_token,
            spread=spread,
            on_outcome=self._on_outcome,
        )

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()

    async def run(self, body: bytes, keep: bool) -> int:
        """Until it is stopped, or with ``keep`` until the server has answered; returns the exit code."""
        self._publisher.publish(self._entity, body)
        await self._until(lambda: self._health.state not in (State.IDLE, State.PENDING))
        if self._health.state is State.STOPPED:
            complain(f"{self._entity}: refused: {self._health.reason}")
            return EXIT_REFUSED
        if self._health.state is State.RETRYING:
            complain(
                f"{self._entity}: not published: {self._health.reason}", "check --server and --transport"
            )
            return EXIT_UNREACHABLE
        if not keep:
            await self._until(lambda: False)
        await self._publisher.close(remove=not keep, within=LEAVE_WITHIN)
        return EXIT_OK

    @property
    def _health(self) -> Health:
        health = self._publisher.health(self._entity)
        assert health is not None
        return health

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not self._stopping and not holds():
            self._changed.clear()
            await self._changed.wait()

    def _on_outcome(self, kind: Kind, status: int, seconds: float) -> None:
        now = self._clock.now().astimezone()
        tag, expires_at = self._publisher.publication(self._entity)
        if self._health.state is State.PUBLISHED and expires_at is not None:
            left = expires_at - self._clock.monotonic()
            end = now + timedelta(seconds=left)
            said = f"entity-tag {tag}, expires in {left:.0f} s at {end:%H:%M:%S}"
            print(f"{now:%H:%M:%S}  {self._entity}  {kind.value}: {said}", flush=True)
            self._stands = True
        elif self._health.state is State.IDLE:
            print(f"{now:%H:%M:%S}  {self._entity}  removed", flush=True)
        elif self._stands and self._health.failures == 1:
            complain(f"{self._entity}: {self._health.reason}; trying again")
        self._changed.set()


async def publish(client: Client, clock: Clock, entity: str, body: bytes, expires: int, keep: bool) -> int:
    """Until Ctrl-C, or with ``keep`` until the server has answered; returns the exit code."""
    async with Supervisor(stop_within=1.0) as supervisor:
        publication = Publication(client, clock, supervisor, entity, expires)
        with on_interrupt(publication.stop):
            return await publication.run(body, keep)


def command(
    uri: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose state.", show_default=False)],
    activity: Annotated[
        list[str] | None,
        typer.Option("--activity", help="meeting, on-the-phone, away, busy … (RFC 4480); may be repeated."),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="Text that watchers see.")] = None,
    basic: Annotated[
        BasicChoice | None, typer.Option("--basic", help="Reachable or not. Default: open.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Publish this PIDF document instead, as it is.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Publish once and leave it at the server until it expires.")
    ] = False,
    expires: Annotated[
        int, typer.Option("--expires", min=1, max=2**32 - 1, help="Seconds to publish for at a time.")
    ] = 3600,
    server: ServerOption = None,
    transport: TransportOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    raw: RawOption = False,
) -> None:
    """Publish a state for somebody, refresh it until Ctrl-C, then remove it.

    Exit code 4: the server refused.

    Examples:

    lamplighter publish sip:alice@example.org --activity meeting --note "In a meeting until 11:00"

    lamplighter publish alice@example.org --basic closed --server 127.0.0.1:5060 --transport tcp --keep
    """
    if file is not None and (activity or note is not None or basic is not None):
        raise usage_error(
            "--file is the whole document; it can't be combined with --activity, --note or --basic"
        )
    entity = read_address(uri)
    clock = SystemClock()
    if file is not None:
        body = read_document(file)
    else:
        state = basic.value if basic is not None else "open"
        body = document(entity, state, tuple(activity or ()), note, clock.now())
    credentials = read_credentials(user, password_file)
    next_hop = server_uri(server, transport, entity)
    # What the publisher would log is told to whoever typed the command.
    logging.getLogger("lamplighter").addHandler(logging.NullHandler())

    async def run() -> int:
        async with open_client(clock, next_hop, credentials, raw) as client:
            return await publish(client, clock, entity, body, expires, keep)

    code = asyncio.run(run())
    if code:
        raise typer.Exit(code)
