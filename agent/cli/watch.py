"""``lamplighter watch``: a subscriber (RFC 6665) that prints what it is told."""

import asyncio
import getpass
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated

import typer

from agent.cli.options import JsonOption
from agent.cli.shown import Reader, line_of
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
)
from agent.clock import Clock, SystemClock
from agent.documents.errors import DocumentError
from agent.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE
from agent.net.authentication import request_authenticated
from agent.net.errors import RequestFailed
from agent.sip.flows import Flow, format_host
from agent.sip.messages import Request, Response, response_to
from agent.sip.notification import Notification
from agent.sip.routing import parse_target
from agent.sip.subscriber import Ended, Phase, Subscribe, Subscriber, Wanted
from agent.supervise import Supervisor

ACCEPT = {
    "presence": ("application/pidf+xml",),
    "dialog": ("application/dialog-info+xml",),
    "presence.winfo": ("application/watcherinfo+xml",),
}
LEAVE_WITHIN = 3.0
"Seconds that a server gets to confirm the end of a subscription."
ADVICE = {
    401: "give a user name with --user; if you did, it or its password is wrong",
    403: "this watcher is not allowed; name another with --from, or have the person or the server allow it",
    404: "the server doesn't know this address; check its spelling",
    405: "the server takes no subscriptions; name the presence server with --server",
    406: "the server can't send such a document; name another with --accept",
    407: "give a user name with --user; if you did, it or its password is wrong",
    489: "the server has no such event package; name another with --event",
    501: "the server takes no subscriptions; name the presence server with --server",
}


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """``count``: leave after so many notifications of each address; None: only when asked to."""

    event: str = "presence"
    accept: tuple[str, ...] = ()
    expires: int = 3600
    from_: str | None = None
    count: int | None = None
    as_json: bool = False


@dataclass(slots=True)
class _Watched:
    uri: str
    subscriber: Subscriber
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reader: Reader = field(default_factory=Reader)
    told: int = 0
    stands: bool = False
    "Whether a NOTIFY has come."
    leaving: bool = False
    task: asyncio.Task[None] | None = None
    last_status: int | None = None
    exit_code: int = EXIT_OK
    trouble: str = ""


class Watcher:
    """Any number of subscriptions over one client."""

    def __init__(self, client: Client, clock: Clock, options: WatchOptions, uris: Sequence[str]) -> None:
        self._client = client
        self._clock = clock
        self._options = options
        accept = options.accept or ACCEPT.get(options.event.partition(";")[0], ACCEPT["presence"])
        contact = client.agent.contact(client.transport, "watcher")
        self._watched = []
        for uri in uris:
            from_ = f"<{options.from_ or _default_from(uri)}>"
            wanted = Wanted(uri, from_, contact, options.event, accept, options.expires)
            self._watched.append(_Watched(uri, Subscriber(wanted, new_token, spread, clock.monotonic())))
        client.agent.on_request(self._on_request)
        client.agent.on_connection_lost(self._renew)

    async def run(self) -> int:
        """Until all have ended; returns the exit code."""
        async with Supervisor(stop_within=1.0) as supervisor:
            for each in self._watched:
                each.task = supervisor.spawn(self._follow(each), f"watch {each.uri}")
            tasks = [each.task for each in self._watched if each.task is not None]
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()
        return max(each.exit_code for each in self._watched)

    def stop(self) -> None:
        """Unsubscribe everywhere; the second time, don't even wait for that."""
        for each in self._watched:
            if each.leaving:
                self._give_up(each)
            else:
                self._leave(each)

    def _leave(self, watched: _Watched) -> None:
        watched.leaving = True
        watched.subscriber.stop()
        watched.changed.set()
        asyncio.get_running_loop().call_later(LEAVE_WITHIN, self._give_up, watched)

    def _give_up(self, watched: _Watched) -> None:
        # It may be waiting for the answer to a request, and a dead server takes 32 s to be known as such.
        if watched.task is not None:
            watched.task.cancel()

    async def _follow(self, watched: _Watched) -> None:
        while True:
            action = watched.subscriber.next_action(self._clock.monotonic())
            if isinstance(action, Ended):
                self._report_end(watched, action)
                return
            if isinstance(action, Subscribe):
                await self._subscribe(watched, action)
            elif watched.subscriber.trouble and not watched.stands:
                self._report_failure(watched)
                return
            else:
                self._report_trouble(watched)
                watched.changed.clear()
                delay = None if action.until is None else action.until - self._clock.monotonic()
                try:
                    async with asyncio.timeout(delay):
                        await watched.changed.wait()
                except TimeoutError:
                    continue

    async def _subscribe(self, watched: _Watched, action: Subscribe) -> None:
        next_hop = action.next_hop or self._client.next_hop
        try:
            request, response = await request_authenticated(
                self._client.agent, action.request, self._client.digest, next_hop=next_hop
            )
        except (RequestFailed, OSError, ValueError) as error:
            watched.last_status = None
            watched.subscriber.failed(action.request, str(error), self._clock.monotonic())
        else:
            watched.last_status = response.status
            watched.subscriber.response(request, response, self._clock.monotonic())

    def _renew(self) -> None:
        """A connection is gone. A refresh over a new one tells the server where we are now."""
        for watched in self._watched:
            watched.subscriber.refetch(self._clock.monotonic())
            watched.changed.set()

    # -- what comes in -------------------------------------------------------------------------------------------

    def _on_request(self, request: Request, flow: Flow) -> Response | None:
        if request.method != "NOTIFY":
            return None
        for watched in self._watched:
            if watched.subscriber.call_id == request.call_id:
                status, notification = watched.subscriber.notify(request, self._clock.monotonic())
                if notification is not None:
                    self._told(watched, notification)
                return response_to(request.headers, status)
        return None

    def _told(self, watched: _Watched, notification: Notification) -> None:
        watched.stands = True
        watched.changed.set()
        if watched.leaving:
            return  # the server's farewell: the same state once more
        watched.told += 1
        if self._options.as_json:
            self._show_json(watched, notification)
        else:
            self._show_line(watched, notification)
        if watched.reader.wants_full:
            watched.subscriber.refetch(self._clock.monotonic())
        if self._options.count is not None and watched.told >= self._options.count:
            self._leave(watched)

    def _show_line(self, watched: _Watched, notification: Notification) -> None:
        now = self._clock.now().astimezone()
        text = ""
        if notification.body:
            try:
                shown = watched.reader.read(notification)
                text = line_of(shown, now) if shown is not None else _indented(notification)
            except DocumentError as error:
                text = f"a broken document: {error}"
        elif watched.told > 1:
            # RFC 3856 §6.8: the state is as before. COMPAT(Kamailio 5.6): or there is none any more.
            text = "no document  (nothing new, or nothing known)"
        else:
            text = "unknown  (the server told no state)"
        suffix = ""
        if notification.state == "pending":
            suffix = "  [waiting for permission]"
        elif notification.state == "terminated" and self._options.expires:
            suffix = f"  [ended: {notification.reason or 'no reason given'}]"
        print(f"{now:%H:%M:%S}  {watched.uri}  {text}{suffix}".rstrip(), flush=True)

    def _show_json(self, watched: _Watched, notification: Notification) -> None:
        told: dict[str, object] = {
            "received_at": _iso(self._clock.now()),
            "uri": watched.uri,
            "event": self._options.event,
            "subscription": notification.state,
            "expires": notification.expires,
            "reason": notification.reason,
            "content_type": notification.content_type,
            "state": None,
        }
        try:
            shown = watched.reader.read(notification) if notification.body else None
            if shown is not None:
                told |= asdict(shown)
                told["since"] = _iso(shown.since) if shown.since is not None else None
            elif notification.body:
                told["document"] = notification.body.decode("utf-8", "replace")
        except DocumentError as error:
            told["error"] = str(error)
            told["document"] = notification.body.decode("utf-8", "replace")
        print(json.dumps(told, ensure_ascii=False), flush=True)

    # -- endings and trouble -------------------------------------------------------------------------------------

    def _report_end(self, watched: _Watched, ended: Ended) -> None:
        if ended.refused:
            watched.exit_code = EXIT_REFUSED
            complain(f"{watched.uri}: refused: {ended.reason}", ADVICE.get(ended.status or 0))
        elif not watched.stands and not watched.leaving:
            watched.exit_code = EXIT_UNREACHABLE
            complain(f"{watched.uri}: {ended.reason}")

    def _report_failure(self, watched: _Watched) -> None:
        """The first attempt came to nothing: whoever typed the command wants to know now."""
        reason = watched.subscriber.trouble
        if watched.last_status is not None and watched.last_status >= 300:
            watched.exit_code = EXIT_REFUSED
            complain(f"{watched.uri}: refused: {reason}", ADVICE.get(watched.last_status, "try again later"))
        else:
            watched.exit_code = EXIT_UNREACHABLE
            complain(f"{watched.uri}: {self._client.next_hop}: {reason}", "check --server and --transport")

    def _report_trouble(self, watched: _Watched) -> None:
        trouble = watched.subscriber.trouble
        if trouble and trouble != watched.trouble:
            complain(f"{watched.uri}: {trouble}; trying again")
        elif watched.trouble and not trouble and watched.subscriber.phase is Phase.RUNNING:
            complain(f"{watched.uri}: watching again")
        watched.trouble = trouble


def _default_from(uri: str) -> str:
    """Who watches, if nobody said: this machine's user in the domain of the person watched."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "watcher"
    return f"sip:{re.sub(r'[^A-Za-z0-9_.-]', '', name) or 'watcher'}@{format_host(parse_target(uri).host)}"


def _indented(notification: Notification) -> str:
    text = notification.body.decode("utf-8", "replace").replace("\r\n", "\n").strip()
    return f"{notification.content_type}\n" + "\n".join(f"    {line}" for line in text.split("\n"))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def watch(client: Client, clock: Clock, options: WatchOptions, uris: Sequence[str]) -> int:
    """Until all subscriptions have ended, or Ctrl-C has ended them; returns the exit code."""
    watcher = Watcher(client, clock, options, uris)
    with on_interrupt(watcher.stop):
        return await watcher.run()


def command(
    uris: Annotated[list[str], typer.Argument(metavar="ADDRESS", help="Whom to watch.", show_default=False)],
    server: ServerOption = None,
    transport: TransportOption = None,
    event: Annotated[
        str, typer.Option("--event", help="Event package: presence, dialog, presence.winfo …")
    ] = "presence",
    from_: Annotated[
        str | None, typer.Option("--from", help="Who is watching. Default: you, in the same domain.")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="Document type to ask for; may be repeated.")
    ] = None,
    expires: Annotated[
        int, typer.Option("--expires", min=0, max=2**32 - 1, help="Seconds to subscribe for at a time.")
    ] = 3600,
    once: Annotated[bool, typer.Option("--once", help="Ask for the state once and leave.")] = False,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Leave after so many notifications.")
    ] = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    raw: RawOption = False,
    as_json: JsonOption = False,
) -> None:
    """Subscribe to somebody's presence and print what is told, until Ctrl-C.

    Each line: time, address, state, activities, notes, since when. Exit code 4: the server refused.

    Examples:

    lamplighter watch sip:alice@example.org

    lamplighter watch alice@example.org bob@example.org --server 127.0.0.1:5060 --transport tcp --json
    """
    addresses = list(dict.fromkeys(read_address(each) for each in uris))
    options = WatchOptions(
        event=event,
        accept=tuple(accept or ()),
        expires=0 if once else expires,
        from_=read_address(from_) if from_ is not None else None,
        count=count,
        as_json=as_json,
    )
    credentials = read_credentials(user, password_file)
    next_hop = server_uri(server, transport, addresses[0])

    async def run() -> int:
        clock = SystemClock()
        async with open_client(clock, next_hop, credentials, raw) as client:
            return await watch(client, clock, options, addresses)

    code = asyncio.run(run())
    if code:
        raise typer.Exit(code)
