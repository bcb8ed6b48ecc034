"""A stand-in for Microsoft Graph: the calendar, schedules, automatic replies, batches and change notifications.

Written from the v1.0 documentation and from what its users report in its public issues (occurrences in delta have
little more than times; a deleted occurrence is not told). A real tenant was not tried.
"""

import asyncio
import json
import re
import secrets
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web

from tests.connectors.microsoft.login_server import TENANT, Grant, LoginServer
from tests.support.certificates import Authority

Json = dict[str, Any]
LONGEST_SUBSCRIPTION = timedelta(minutes=4230)
AT_ONCE = 4
REDUCED = ("@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end")
"All that delta tells of an occurrence."


def when(moment: datetime) -> Json:
    """dateTimeTimeZone as Graph writes it when asked for UTC."""
    return {"dateTime": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def event(start: datetime, end: datetime, /, **given: Any) -> Json:
    """A single event as Graph gives it, ``given`` on top."""
    return {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": 'W/"DwAAABYAAAA="',
        "id": f"AAMk{secrets.token_urlsafe(12)}",
        "iCalUId": secrets.token_hex(8).upper(),
        "type": "singleInstance",
        "seriesMasterId": None,
        "subject": "Budget",
        "body": {"contentType": "html", "content": "<html>" + "words " * 100 + "</html>"},
        "start": when(start),
        "end": when(end),
        "originalStartTimeZone": "W. Europe Standard Time",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "showAs": "busy",
        "sensitivity": "normal",
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "attendees": [],
        "categories": [],
        "location": {"displayName": "", "locationType": "default"},
        "isOnlineMeeting": False,
        "onlineMeetingUrl": None,
        **given,
    }


@dataclass
class Item:
    """A single event, or a series with its occurrences."""

    seq: int
    master: Json | None
    "None: a single event."
    parts: list[Json]
    deleted: bool = False


@dataclass
class Mailbox:
    items: dict[str, Item] = field(default_factory=dict)
    replies: Json = field(default_factory=lambda: {"status": "disabled", "externalAudience": "none"})
    further: dict[str, "Mailbox"] = field(default_factory=dict)
    "Other calendars, by name."
    zone: str = "Europe/Berlin"
    "Where whole days of schedules are meant; calendars give them as midnights."
    shows: str = "details"
    "What getSchedule tells: `details`, `times`, `slots`, or an error's responseCode."
    seq: int = 0
    oldest: int = 0
    "Delta tokens before this one are forgotten."

    def put(self, entry: Json) -> None:
        self.seq += 1
        self.items[entry["id"]] = Item(self.seq, None, [entry])

    def put_series(self, master: Json, parts: list[Json]) -> None:
        """``parts``: occurrences and exceptions, whole."""
        self.seq += 1
        self.items[master["id"]] = Item(self.seq, master, parts)

    def delete(self, id_: str) -> None:
        self.seq += 1
        self.items[id_].deleted = True
        self.items[id_].seq = self.seq

    def delete_occurrence(self, master: str, id_: str) -> None:
        self.seq += 1
        item = self.items[master]
        item.seq = self.seq
        item.parts = [part for part in item.parts if part["id"] != id_]

    def forget_tokens(self) -> None:
        self.seq += 1
        self.oldest = self.seq

    def visible(self) -> list[Json]:
        return [part for item in self.items.values() if not item.deleted for part in item.parts]


@dataclass
class GraphServer:
    """``reach``: where public addresses of ours really are (`https://presence.example.org` -> a loopback address)."""

    login: LoginServer
    now: Callable[[], datetime]
    reach: dict[str, str] = field(default_factory=dict)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    "Subscription -> mailbox."
    asked: list[str] = field(default_factory=list)
    "`METHOD /path`, those inside batches too."
    requests: int = 0
    "HTTP requests."
    throttle: dict[str, int] = field(default_factory=dict)
    "Mailbox -> Retry-After."
    lever: str = ""
    handshakes: list[str] = field(default_factory=list)
    busiest: Counter[str] = field(default_factory=Counter)
    "The most requests at once, by mailbox."
    slow: float = 0.0
    url: str = ""
    _at_once: Counter[str] = field(default_factory=Counter)

    def mailbox(self, address: str) -> Mailbox:
        return self.mailboxes.setdefault(address.lower(), Mailbox())

    @staticmethod
    def nothing() -> web.Response:
        """What Graph says when it cannot."""
        return _refusal(503, "ServiceNotAvailable", "The service is temporarily unavailable.")

    # -- HTTP ---------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.lever == "silent":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if self.lever == "nonsense":
            return web.Response(body=b"\x00<nonsense")
        if self.lever.isdecimal():
            return web.Response(status=int(self.lever))
        body = await request.read()
        path = request.path_qs.removeprefix("/v1.0")
        grant = self.login.grants.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if grant is None or self.lever == "refuse":
            return _refusal(
                401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid."
            )
        document = json.loads(body) if body else {}
        if path == "/$batch":
            return await self._batch(document, grant)
        return await self._answer(request.method, path, document, request.headers, grant)

    async def _batch(self, document: Json, grant: Grant) -> web.Response:
        requests = document["requests"]
        if len(requests) > 20:
            return _refusal(400, "BadRequest", "Batch request exceeds the limit of 20.")
        answers = []
        for one in requests:
            answer = await self._answer(
                one["method"], one["url"], one.get("body") or {}, one.get("headers") or {}, grant
            )
            answers.append(
                {
                    "id": one["id"],
                    "status": answer.status,
                    "headers": dict(answer.headers),
                    **({"body": json.loads(answer.body)} if answer.body else {}),
                }
            )
        return web.json_response({"responses": answers[::-1]})

    async def _answer(self, method: str, path: str, body: Json, headers: Any, grant: Grant) -> web.Response:
        split = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(split.query).items()}
        self.asked.append(f"{method} {split.path}")
        if split.path.startswith("/subscriptions"):
            if "Calendars.Read" not in grant.scopes:
                return _refusal(
                    403, "ExtensionError", "Operation: Create; Exception: [Status Code: Forbidden]"
                )
            return await self._subscription(method, split.path, body, grant)
        found = re.fullmatch(r"/(?:me|users/([^/]+))/(.+)", split.path)
        if found is None:
            return _refusal(400, "BadRequest", f"Resource not found for the segment '{split.path[:30]}'.")
        if found[1] is None and grant.user is None:
            return _refusal(
                400, "BadRequest", "/me request is only valid with delegated authentication flow."
            )
        address = (found[1] or grant.user or "").replace("%40", "@").lower()
        if address not in self.mailboxes:
            return _refusal(404, "ErrorInvalidUser", f"The requested user '{address}' is invalid.")
        if address in self.throttle:
            wait = self.throttle[address]
            return _refusal(429, "TooManyRequests", "Too many requests.", {"Retry-After": str(wait)})
        self._at_once[address] += 1
        self.busiest[address] = max(self.busiest[address], self._at_once[address])
        try:
            if self._at_once[address] > AT_ONCE:
                return _refusal(
                    429,
                    "ApplicationThrottled",
                    "Application is over its MailboxConcurrency limit.",
                    {"Retry-After": "1"},
                )
            await asyncio.sleep(self.slow)
            return self._of(address, method, found[2], query, body, headers, grant)
        finally:
            self._at_once[address] -= 1

    def _of(
        self,
        address: str,
        method: str,
        what: str,
        query: dict[str, str],
        body: Json,
        headers: Any,
        grant: Grant,
    ) -> web.Response:
        mailbox = self.mailboxes[address]
        may_read = bool(grant.scopes & {"Calendars.Read", "Calendars.ReadBasic"})
        if what == "mailboxSettings/automaticRepliesSetting":
            may_read = "MailboxSettings.Read" in grant.scopes
        if not may_read:
            return _refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        prefer = headers.get("Prefer", "")
        base = f"{self.url}/v1.0/{'me' if grant.user else f'users/{address}'}"
        if found := re.fullmatch(r"calendars/([^/]+)/(.+)", what):
            name = bytes.fromhex(found[1].removeprefix("AQMk")).decode()
            if name not in mailbox.further:
                return _refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
            mailbox, what, base = mailbox.further[name], found[2], f"{base}/calendars/{found[1]}"
        match method, what:
            case "GET", "calendars":
                return web.json_response({"value": self._calendars(mailbox)})
            case "GET", "calendarView/delta":
                return self._delta(mailbox, query, prefer, base)
            case "GET", "calendarView":
                return self._view(mailbox, query, base)
            case "POST", "calendar/getSchedule":
                return self._schedules(body)
            case "GET", "mailboxSettings/automaticRepliesSetting":
                return web.json_response(mailbox.replies)
        return _refusal(
            405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
        )

    @staticmethod
    def _calendars(mailbox: Mailbox) -> list[Json]:
        further = [
            {"id": f"AQMk{name.encode().hex()}", "name": name, "isDefaultCalendar": False}
            for name in mailbox.further
        ]
        return [{"id": "AQMkAA", "name": "Calendar", "isDefaultCalendar": True}, *further]

    # -- calendars ----------------------------------------------------------------------------------------

    def _delta(self, mailbox: Mailbox, query: dict[str, str], prefer: str, base: str) -> web.Response:
        if "$select" in query or "$filter" in query:
            return _refusal(
                400, "ErrorInvalidUrlQuery", "The query parameter is not supported with change tracking."
            )
        token = query.get("$deltatoken") or query.get("$skiptoken")
        if token is None:
            since, first = 0, 0
            start, end = query["startDateTime"], query["endDateTime"]
        else:
            kept = json.loads(bytes.fromhex(token))
            since, first, start, end = kept["since"], kept["first"], kept["start"], kept["end"]
            if kept["made"] < mailbox.oldest:
                return _refusal(410, "SyncStateNotFound", "The sync state generation is not found.")
        window = (_read(start), _read(end))
        entries: list[Json] = []
        for id_, item in mailbox.items.items():
            if item.seq > since:
                entries += self._changes(id_, item, window, initial=since == 0)
        size = re.search(r"odata\.maxpagesize=(\d+)", prefer)
        most = int(size[1]) if size else 10
        page, rest = entries[first : first + most], entries[first + most :]
        state = {"made": mailbox.seq, "start": start, "end": end}
        if rest:
            onward = {**state, "since": since, "first": first + most}
            links = {"@odata.nextLink": f"{base}/calendarView/delta?$skiptoken={_token(onward)}"}
        else:
            done = {**state, "since": mailbox.seq, "first": 0}
            links = {"@odata.deltaLink": f"{base}/calendarView/delta?$deltatoken={_token(done)}"}
        return web.json_response(
            {"@odata.context": f"{self.url}/v1.0/$metadata#Collection(event)", **links, "value": page}
        )

    def _changes(
        self, id_: str, item: Item, window: tuple[datetime, datetime], *, initial: bool
    ) -> list[Json]:
        inside = [part for part in item.parts if _overlaps(part, window)]
        if item.deleted or not inside:
            return (
                []
                if initial
                else [{"@odata.type": "#microsoft.graph.event", "id": id_, "@removed": {"reason": "deleted"}}]
            )
        if item.master is None:
            return inside
        return [
            item.master,
            *(
                {key: part[key] for key in REDUCED} if part["type"] == "occurrence" else part
                for part in inside
            ),
        ]

    def _view(self, mailbox: Mailbox, query: dict[str, str], base: str) -> web.Response:
        window = (_read(query["startDateTime"]), _read(query["endDateTime"]))
        entries = sorted(
            (part for part in mailbox.visible() if _overlaps(part, window)),
            key=lambda part: part["start"]["dateTime"],
        )
        most, first = int(query.get("$top", "10")), int(query.get("$skip", "0"))
        chosen = query["$select"].split(",") if "$select" in query else None
        page = [
            {
                key: value
                for key, value in entry.items()
                if chosen is None or key in ("@odata.etag", "id", *chosen)
            }
            for entry in entries[first : first + most]
        ]
        document: Json = {"@odata.context": f"{self.url}/v1.0/$metadata#events", "value": page}
        if first + most < len(entries):
            kept = "&".join(f"{key}={value}" for key, value in query.items() if key != "$skip")
            document["@odata.nextLink"] = f"{base}/calendarView?{kept}&$skip={first + most}"
        return web.json_response(document)

    def _schedules(self, body: Json) -> web.Response:
        window = (_read(body["startTime"]["dateTime"]), _read(body["endTime"]["dateTime"]))
        if len(body["schedules"]) > 20 or window[1] - window[0] >= timedelta(days=62):
            return _refusal(400, "ErrorInvalidParameter", "Too many schedules or too long a time window.")
        minutes = body.get("availabilityViewInterval", 30)
        return web.json_response(
            {"value": [self._schedule(address, window, minutes) for address in body["schedules"]]}
        )

    def _schedule(self, address: str, window: tuple[datetime, datetime], minutes: int) -> Json:
        mailbox = self.mailboxes.get(address.lower())
        if mailbox is None:
            message = f"Unable to resolve e-mail address {address} to an Active Directory object."
            return {"scheduleId": address, "error": {"message": message, "responseCode": "5009"}}
        if mailbox.shows not in ("details", "times", "slots"):
            return {"scheduleId": address, "error": {"message": "No.", "responseCode": mailbox.shows}}
        parts = [
            part
            for part in mailbox.visible()
            if _overlaps(part, window)
            and not part["isCancelled"]
            and part["responseStatus"]["response"] != "declined"
        ]
        code = {"tentative": "1", "busy": "2", "oof": "3"}
        slots = []
        moment = window[0]
        while moment < window[1]:
            slot = (moment, moment + timedelta(minutes=minutes))
            slots.append(
                max((code.get(part["showAs"], "0") for part in parts if _overlaps(part, slot)), default="0")
            )
            moment = slot[1]
        items = []
        for part in sorted(parts, key=lambda part: part["start"]["dateTime"]):
            item = {"status": part["showAs"], **_exact(part, mailbox.zone)}
            if mailbox.shows == "details":
                private = part["sensitivity"] == "private"
                item |= {
                    "isPrivate": private,
                    "subject": part["subject"],
                    "location": part["location"]["displayName"],
                }
            items.append(item)
        schedule: Json = {"scheduleId": address, "availabilityView": "".join(slots)}
        return schedule if mailbox.shows == "slots" else {**schedule, "scheduleItems": items}

    # -- change notifications -----------------------------------------------------------------------------

    async def _subscription(self, method: str, path: str, body: Json, grant: Grant) -> web.Response:
        id_ = path.removeprefix("/subscriptions").strip("/")
        if method == "POST" and not id_:
            return await self._subscribe(body, grant)
        if id_.endswith("/reauthorize"):
            return web.Response(status=204 if id_.partition("/")[0] in self.subscriptions else 404)
        known = self.subscriptions.get(id_)
        if known is None or _read(known["expirationDateTime"]) <= self.now():
            return _refusal(404, "ResourceNotFound", "The object was not found.")
        if method == "PATCH":
            if _read(body["expirationDateTime"]) > self.now() + LONGEST_SUBSCRIPTION:
                return _refusal(
                    400, "ExtensionError", "Subscription expiration can only be 4230 minutes in the future."
                )
            known["expirationDateTime"] = body["expirationDateTime"]
            return web.json_response({key: value for key, value in known.items() if key != "clientState"})
        if method == "DELETE":
            del self.subscriptions[id_]
            return web.Response(status=204)
        return _refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed.")

    async def _subscribe(self, body: Json, grant: Grant) -> web.Response:
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if name not in body:
                return _refusal(
                    400, "InvalidRequest", f"{name} is a required property for subscription creation"
                )
        if len(body.get("clientState", "")) > 128:
            return _refusal(400, "InvalidRequest", "clientState is too long")
        if _read(body["expirationDateTime"]) > self.now() + LONGEST_SUBSCRIPTION:
            return _refusal(
                400, "ExtensionError", "Subscription expiration can only be 4230 minutes in the future."
            )
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if name in body and not await self._handshake(body[name]):
                return _refusal(
                    400,
                    "ValidationError",
                    "Subscription validation request failed. Notification endpoint must respond with 200 OK.",
                )
        id_ = "-".join((secrets.token_hex(4), secrets.token_hex(2), secrets.token_hex(6)))
        made = {
            "@odata.context": f"{self.url}/v1.0/$metadata#subscriptions/$entity",
            "id": id_,
            "applicationId": "a",
            **body,
        }
        self.subscriptions[id_] = made
        self.owners[id_] = grant.user or body["resource"].split("/")[1].lower()
        return web.json_response(made, status=201)

    async def _handshake(self, url: str) -> bool:
        if not url.startswith("https://"):
            return False
        token = (
            f"Validation: Testing client application reachability, Request-Id: {secrets.token_hex(8)} & more"
        )
        self.handshakes.append(url)
        status, kind, text = await self._post(url, None, {"validationToken": token})
        return status == 200 and kind == "text/plain" and text == token

    async def notify(self, address: str, **given: Any) -> list[int]:
        """What Graph sends of a mailbox to all who subscribed, in one request each. ``given``: instead of a change."""
        statuses = []
        for id_, known in list(self.subscriptions.items()):
            if self.owners[id_] != address:
                continue
            notice = {
                "subscriptionId": id_,
                "subscriptionExpirationDateTime": known["expirationDateTime"],
                "tenantId": TENANT,
                "clientState": known.get("clientState"),
                **(
                    given
                    or {
                        "changeType": "updated",
                        "resource": f"Users/{address}/Events/AAMk",
                        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": "AAMk"},
                    }
                ),
            }
            if given.get("lifecycleEvent") == "subscriptionRemoved":
                del self.subscriptions[id_]
            status, _, _ = await self._post(known["notificationUrl"], {"value": [notice]}, {})
            statuses.append(status)
        return statuses

    async def _post(self, url: str, body: Json | None, query: dict[str, str]) -> tuple[int, str, str]:
        for public, real in self.reach.items():
            url = url.replace(public, real)
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, params=query, timeout=aiohttp.ClientTimeout(total=10)) as answer,
        ):
            return answer.status, answer.content_type, await answer.text()


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    inner = {"date": "2026-03-02T09:00:00", "request-id": "r", "client-request-id": "c"}
    document = {"error": {"code": code, "message": message, "innerError": inner}}
    return web.json_response(document, status=status, headers=headers)


def _token(state: Json) -> str:
    return json.dumps(state).encode().hex()


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text.partition(".")[0].removesuffix("Z"))
    return moment.replace(tzinfo=UTC)


def _exact(part: Json, zone: str) -> Json:
    """Start and end of an event as moments."""
    if not part["isAllDay"]:
        return {"start": part["start"], "end": part["end"]}
    local = {name: _read(part[name]["dateTime"]).replace(tzinfo=ZoneInfo(zone)) for name in ("start", "end")}
    return {name: when(moment) for name, moment in local.items()}


def _overlaps(part: Json, window: tuple[datetime, datetime]) -> bool:
    return _read(part["start"]["dateTime"]) < window[1] and _read(part["end"]["dateTime"]) > window[0]


@asynccontextmanager
async def graph_server(folder: Path, now: Callable[[], datetime], **login: Any) -> AsyncIterator[GraphServer]:
    """Sign-in and Graph on one loopback port, encrypted; the authority to trust is in ``folder/ca.pem``."""
    credentials = Authority(folder).issue("127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(credentials.certificate, credentials.key)
    server = GraphServer(LoginServer(**login), now)
    app = web.Application()
    app.add_routes(server.login.routes())
    app.add_routes([web.route("*", "/v1.0/{path:.*}", server.handle)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    server.url = server.login.base = f"https://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
