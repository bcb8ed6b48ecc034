"""A stand-in for Google: sign-in, the Calendar API's lists, free and busy times, and push channels.

Written from Google's documentation and discovery document; a real account was not tried.
"""

import asyncio
import base64
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.connectors.support import serve

Json = dict[str, Any]
CLIENT_ID = "1234-abcd.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-s3cr3t"
SERVICE = "lamplighter@example.iam.gserviceaccount.com"
SCOPES = "https://www.googleapis.com/auth"
LONGEST_CHANNEL = timedelta(days=7)


def event(start: datetime, end: datetime, /, **given: Any) -> Json:
    """A timed event as the API gives it, ``given`` on top."""
    return {
        "kind": "calendar#event",
        "etag": '"3181161784712000"',
        "id": secrets.token_hex(13),
        "iCalUID": f"{secrets.token_hex(13)}@google.com",
        "status": "confirmed",
        "summary": "Budget",
        "description": "words " * 100,
        "start": {"dateTime": f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": f"{end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "timeZone": "Europe/Berlin"},
        "eventType": "default",
        **given,
    }


@dataclass
class Calendar:
    items: dict[str, Json] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    oldest: int = 0
    "Sync tokens before this one are forgotten."
    readers: set[str] = field(default_factory=set)
    "Accounts that may read it beside its owner; `*`: all may see free and busy."

    def put(self, item: Json) -> None:
        self.seq += 1
        self.items[item["id"]] = item
        self.changed[item["id"]] = self.seq

    def delete(self, id_: str) -> None:
        self.put({**self.items[id_], "status": "cancelled"})

    def forget_tokens(self) -> None:
        self.seq += 1
        self.oldest = self.seq


@dataclass
class Grant:
    user: str
    scopes: frozenset[str]


@dataclass
class GoogleServer:
    """``reach``: where public addresses of ours really are."""

    now: Callable[[], datetime]
    key: rsa.RSAPrivateKey
    delegated: frozenset[str] = frozenset(
        {f"{SCOPES}/calendar.events.readonly", f"{SCOPES}/calendar.freebusy"}
    )
    "Scopes that the administrator allowed the service account."
    url: str = ""
    reach: dict[str, str] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens_asked: list[str] = field(default_factory=list)
    lever: str = ""
    quota: str = ""
    "Reason with which every question is refused (403)."
    token_error: Json | None = None
    watch_refused: bool = False
    gives_sync_tokens: bool = True
    token_lasts: int = 3599
    skew: float = 300.0
    "Seconds by which clocks may differ."

    def calendar(self, id_: str) -> Calendar:
        return self.calendars.setdefault(id_, Calendar())

    def service_key(self) -> str:
        """The file that Google lets one download."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "example",
                "private_key_id": "k1",
                "private_key": pem,
                "client_email": SERVICE,
                "client_id": "103",
                "token_uri": f"{self.url}/token",
            },
            indent=2,
        )

    def revoke(self) -> None:
        self.grants.clear()
        self.refresh.clear()

    @staticmethod
    def page() -> web.Response:
        return web.Response(text="<html>")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.lever == "silent":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        body = await request.read()
        if request.path == "/token":
            return self._token(dict(parse_qsl(body.decode())))
        if request.path == "/authorize":
            return self._authorize(dict(request.query))
        if self.lever == "nonsense":
            return web.Response(body=b"\x00<nonsense")
        if self.lever.isdecimal():
            return _refusal(int(self.lever), "backendError")
        self.asked.append(f"{request.method} {request.path.removeprefix('/calendar/v3')}")
        grant = self.grants.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if grant is None or self.lever == "refuse":
            return _refusal(401, "authError")
        if self.quota:
            return _refusal(403, self.quota, domain="usageLimits")
        return await self._api(request, json.loads(body) if body else {}, grant)

    # -- sign-in ------------------------------------------------------------------------------------------

    def _authorize(self, query: dict[str, str]) -> web.Response:
        """Signs in whoever ``login_hint`` names, as if a person had clicked through the pages."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        onward = urlencode({"state": query["state"], "code": code, "scope": query["scope"]})
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{onward}"})

    def _token(self, form: dict[str, str]) -> web.Response:
        self.tokens_asked.append(form.get("grant_type", ""))
        if self.token_error is not None:
            return web.json_response(self.token_error, status=400)
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._by_assertion(form["assertion"])
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return web.json_response(
                {"error": "invalid_client", "error_description": "Unauthorized"}, status=401
            )
        if form.get("grant_type") == "refresh_token":
            known = self.refresh.get(form.get("refresh_token", ""))
            return self._issue(known) if known else _invalid_grant("Token has been expired or revoked.")
        code = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            code is None
            or shown != code["code_challenge"]
            or form.get("redirect_uri") != code["redirect_uri"]
        ):
            return _invalid_grant("Bad Request")
        grant = Grant(code["login_hint"], frozenset(code["scope"].split()))
        refresh = f"1//{secrets.token_urlsafe(24)}"
        self.refresh[refresh] = grant
        return self._issue(grant, refresh)

    def _by_assertion(self, assertion: str) -> web.Response:
        try:
            claims = jwt.decode(
                assertion,
                self.key.public_key(),
                algorithms=["RS256"],
                audience=f"{self.url}/token",
                issuer=SERVICE,
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return _invalid_grant("Invalid JWT Signature.")
        now = self.now().timestamp()
        if not now - self.skew <= claims["iat"] <= now + self.skew or claims["exp"] - claims["iat"] > 3600:
            return _invalid_grant("Invalid JWT: Token must be a short-lived token (60 minutes).")
        scopes = frozenset(claims["scope"].split())
        if not scopes <= self.delegated:
            return web.json_response(
                {"error": "unauthorized_client", "error_description": "Client is unauthorized."}, status=401
            )
        if claims["sub"] not in self.calendars:
            return _invalid_grant("Invalid email or User ID")
        return self._issue(Grant(claims["sub"], scopes))

    def _issue(self, grant: Grant, refresh: str | None = None) -> web.Response:
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.grants[token] = grant
        answer = {
            "access_token": token,
            "expires_in": self.token_lasts,
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }
        return web.json_response({**answer, **({"refresh_token": refresh} if refresh else {})})

    # -- the API ------------------------------------------------------------------------------------------

    async def _api(self, request: web.BaseRequest, body: Json, grant: Grant) -> web.Response:
        path = request.path.removeprefix("/calendar/v3")
        if path == "/freeBusy":
            return self._free_busy(body, grant)
        if f"{SCOPES}/calendar.events.readonly" not in grant.scopes:
            return _refusal(403, "insufficientPermissions")
        if path == "/channels/stop":
            known = self.channels.get(body.get("id", ""))
            if known is None or known["resourceId"] != body.get("resourceId"):
                return _refusal(404, "notFound")
            del self.channels[body["id"]]
            return web.Response(status=204)
        found = re.fullmatch(r"/calendars/([^/]+)/events(/watch)?", path)
        if found is None:
            return _refusal(404, "notFound")
        id_ = grant.user if found[1] == "primary" else found[1]
        calendar = self.calendars.get(id_)
        if calendar is None or (id_ != grant.user and grant.user not in calendar.readers):
            return _refusal(404, "notFound")
        if found[2]:
            return await self._watch(id_, body)
        return self._list(calendar, dict(request.query))

    def _list(self, calendar: Calendar, query: dict[str, str]) -> web.Response:
        if "syncToken" in query:
            if query.keys() & {"timeMin", "timeMax", "updatedMin", "orderBy", "q"}:
                return _refusal(400, "invalid")
            kept = json.loads(bytes.fromhex(query["syncToken"]))
            if kept["made"] < calendar.oldest:
                return _refusal(410, "fullSyncRequired")
            items = [item for id_, item in calendar.items.items() if calendar.changed[id_] > kept["made"]]
        else:
            kept = {"timeMin": query.get("timeMin"), "timeMax": query.get("timeMax")}
            items = [item for item in calendar.items.values() if item["status"] != "cancelled"]
        items = [item for item in items if self._inside(item, kept)]
        most, first = int(query.get("maxResults", "250")), int(query.get("pageToken", "0"))
        page = [_masked(item, query.get("fields", "")) for item in items[first : first + most]]
        answer: Json = {"items": page} if page or "syncToken" not in query else {}
        if first + most < len(items):
            answer["nextPageToken"] = str(first + most)
        elif self.gives_sync_tokens:
            state = {"made": calendar.seq, "timeMin": kept["timeMin"], "timeMax": kept["timeMax"]}
            answer["nextSyncToken"] = json.dumps(state).encode().hex()
        return web.json_response(answer)

    @staticmethod
    def _inside(item: Json, window: Json) -> bool:
        start, end = (_read(item[name]) for name in ("start", "end"))
        return start < _read({"dateTime": window["timeMax"]}) and end > _read({"dateTime": window["timeMin"]})

    def _free_busy(self, body: Json, grant: Grant) -> web.Response:
        if not grant.scopes & {f"{SCOPES}/calendar.freebusy", f"{SCOPES}/calendar.readonly"}:
            return _refusal(403, "insufficientPermissions")
        if len(body["items"]) > 50:
            return _refusal(400, "tooManyCalendarsRequested")
        window = {"timeMin": body["timeMin"], "timeMax": body["timeMax"]}
        answers: Json = {}
        for asked in body["items"]:
            calendar = self.calendars.get(asked["id"])
            if calendar is None or not (asked["id"] == grant.user or calendar.readers & {grant.user, "*"}):
                answers[asked["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
                continue
            busy = sorted(
                (item["start"]["dateTime"], item["end"]["dateTime"])
                for item in calendar.items.values()
                if item["status"] != "cancelled"
                and item.get("transparency") != "transparent"
                and self._inside(item, window)
            )
            answers[asked["id"]] = {"busy": [{"start": start, "end": end} for start, end in busy]}
        return web.json_response({"kind": "calendar#freeBusy", **window, "calendars": answers})

    # -- push ---------------------------------------------------------------------------------------------

    async def _watch(self, id_: str, body: Json) -> web.Response:
        if self.watch_refused or not body["address"].startswith("https://"):
            return _refusal(400, "push.webhookUrlNotHttps")
        if body["id"] in self.channels:
            return _refusal(400, "channelIdNotUnique")
        ttl = timedelta(seconds=int(body.get("params", {}).get("ttl", "604800")))
        expires = self.now() + min(ttl, LONGEST_CHANNEL)
        made = {
            "kind": "api#channel",
            "id": body["id"],
            "resourceId": f"res-{id_}",
            "resourceUri": f"{self.url}/calendar/v3/calendars/{id_}/events",
            "token": body.get("token"),
            "expiration": str(int(expires.timestamp() * 1000)),
        }
        self.channels[body["id"]] = {**made, "address": body["address"], "calendar": id_}
        await self._send(self.channels[body["id"]], "sync")
        return web.json_response(made)

    async def notify(self, id_: str, state: str = "exists") -> list[int]:
        """A change of a calendar, to all who watch it."""
        return [
            await self._send(one, state) for one in list(self.channels.values()) if one["calendar"] == id_
        ]

    async def _send(self, channel: Json, state: str) -> int:
        url = channel["address"]
        for public, real in self.reach.items():
            url = url.replace(public, real)
        expires = datetime.fromtimestamp(int(channel["expiration"]) / 1000, UTC)
        headers = {
            "X-Goog-Channel-ID": channel["id"],
            "X-Goog-Channel-Token": channel["token"] or "",
            "X-Goog-Channel-Expiration": f"{expires:%a, %d %b %Y %H:%M:%S GMT}",
            "X-Goog-Resource-ID": channel["resourceId"],
            "X-Goog-Resource-URI": channel["resourceUri"],
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": "1",
        }
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as answer:
            return answer.status


def _masked(item: Json, fields: str) -> Json:
    if "items/id" in fields:
        return {"id": item["id"]}
    found = re.search(r"items\((.*)\)$", fields)
    if found is None:
        return item
    names = {name.partition("/")[0] for name in re.sub(r"\([^)]*\)", "", found[1]).split(",")}
    return {key: value for key, value in item.items() if key in names}


def _read(given: Json) -> datetime:
    """The API compares whole days in the calendar's own zone, here UTC."""
    moment = datetime.fromisoformat(given.get("dateTime") or given["date"])
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _refusal(status: int, reason: str, domain: str = "global") -> web.Response:
    error = {"domain": domain, "reason": reason, "message": "No."}
    return web.json_response({"error": {"code": status, "message": "No.", "errors": [error]}}, status=status)


def _invalid_grant(description: str) -> web.Response:
    return web.json_response({"error": "invalid_grant", "error_description": description}, status=400)


_KEY: list[rsa.RSAPrivateKey] = []


@asynccontextmanager
async def google_server(now: Callable[[], datetime]) -> AsyncIterator[GoogleServer]:
    """On a free loopback port."""
    if not _KEY:
        _KEY.append(await asyncio.to_thread(rsa.generate_private_key, 65537, 2048))
    server = GoogleServer(now, _KEY[0])
    async with serve(server.handle) as url:
        server.url = url
        yield server
