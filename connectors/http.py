"""The one way by which connectors speak HTTP: guarded, bounded, without memory.

Guarded: the address of every connection is checked at the last moment (`connectors.addresses`), so neither a
name, a literal, a redirect nor a changed DNS answer gets past. Bounded: time, redirects and body size, also
after decompression. Without memory: no cookies, no proxies from the environment, and credentials go to the
origin that they were meant for, never along a redirect to another.
"""

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import ClientMiddlewareType
from yarl import URL

from connectors.addresses import AllowList, is_public
from connectors.authorization import Authorization
from connectors.errors import (
    AuthFailed,
    BadData,
    Forbidden,
    Misconfigured,
    NotFound,
    Refused,
    TimedOut,
    Unreachable,
)

MAX_BODY = 10 * 1024 * 1024
"Bytes, before and after decompression."
WEBSOCKET_HEARTBEAT = 20.0
"Seconds between pings; half as long the answer may take."
MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 307, 308})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
"Methods that change nothing (RFC 9110 §9.2.1, RFC 4918 §9.1, RFC 3253 §3.6): may be sent again."
_USER_AGENT = "Lamplighter (presence; calendar reader)"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole. ``url`` is where it came from after redirects."""

    status: int
    headers: Mapping[str, str]
    "Keys compare without case."
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class WebSocket:
    """An open one; see `Http.websocket`."""

    _host: str
    _socket: aiohttp.ClientWebSocketResponse

    async def text(self, within: float) -> str | None:
        """The next message that is text. None: none came within so many seconds. Raises `Unreachable` at the end."""
        try:
            message = await self._socket.receive(timeout=within)
        except TimeoutError:
            return None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return None
        raise Unreachable(f"{self._host} ended the connection")


@dataclass(frozen=True, slots=True)
class _Aim:
    """What the connection that is being made is for."""

    host_allowed: bool
    bare_secret: bool
    "Credentials would travel unencrypted."


_aim: ContextVar[_Aim] = ContextVar("connectors.http.aim")


@dataclass(slots=True)
class Http:
    """One per service. The session is made at first use, inside the running loop."""

    allow: AllowList = field(default_factory=AllowList)
    ca_file: Path | None = None
    "Certificates of the organisation's own authority, trusted besides the system's."
    timeout: float = 30.0
    "Seconds for one request, redirects not counted together."
    connections_per_host: int = 8
    _sessions: dict[bool, aiohttp.ClientSession] = field(default_factory=dict)
    "By whether secrets travel unencrypted."
    _closed: bool = False

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        authorization: Authorization | None = None,
        max_body: int = MAX_BODY,
        follow: bool = True,
    ) -> Response:
        """Send and read the whole answer, whatever its status. Redirects keep method and body; where the body itself
        is secret, do not ``follow`` them.

        Raises `Refused` (guard), `Unreachable` (network, TLS, timeout), `BadData` (over a limit),
        `Misconfigured` (not an http URL).
        """
        target = _checked(url)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._once(method, target, headers or {}, body, authorization, max_body)
            if not follow or response.status not in _REDIRECTS or "Location" not in response.headers:
                return response
            onward = _checked(str(target.join(URL(response.headers["Location"]))))
            if target.scheme == "https" and onward.scheme != "https":
                raise Refused(f"{target.host} redirects to an unencrypted address")
            if onward.origin() != target.origin():
                authorization = None
            target = onward
        raise Unreachable(f"{target.host} redirects more than {MAX_REDIRECTS} times")

    async def _once(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        authorization: Authorization | None,
        max_body: int,
    ) -> Response:
        host = url.host or ""
        sent = {"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", **headers}
        if isinstance(authorization, str):
            sent["Authorization"] = authorization
        answers = () if authorization is None or isinstance(authorization, str) else (authorization,)
        aim = _Aim(self.allow.has_host(host), authorization is not None and url.scheme == "http")
        with _aimed(aim), _in_words(host):
            try:
                return await self._send(method, url, sent, body, max_body, answers, aim)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as broken:
                if method not in _SAFE or isinstance(broken, aiohttp.ClientConnectorError):
                    raise
                # The kept connection had been closed by the server meanwhile: once more, on a new one.
                return await self._send(method, url, sent, body, max_body, answers, aim)

    @asynccontextmanager
    async def websocket(self, url: str, authorization: str | None = None) -> AsyncIterator["WebSocket"]:
        """With the same guard and errors as for requests, while it is opened and while it is read. A peer that does not
        answer pings is lost. ``url``: http or https."""
        target = _checked(url)
        host = target.host or ""
        headers = {"User-Agent": _USER_AGENT, **({"Authorization": authorization} if authorization else {})}
        aim = _Aim(self.allow.has_host(host), authorization is not None and target.scheme == "http")
        with _aimed(aim), _in_words(host):
            session = self._open(aim.bare_secret)
            async with session.ws_connect(
                target, headers=headers, heartbeat=WEBSOCKET_HEARTBEAT, max_msg_size=MAX_BODY
            ) as socket:
                yield WebSocket(host, socket)

    async def _send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        max_body: int,
        answers: tuple[ClientMiddlewareType, ...],
        aim: _Aim,
    ) -> Response:
        async with self._open(aim.bare_secret).request(
            method, url, headers=headers, data=body, allow_redirects=False, middlewares=answers
        ) as answer:
            content = await _read(answer, max_body)
            return Response(answer.status, answer.headers, content, str(url.with_user(None)))

    def _open(self, bare_secret: bool) -> aiohttp.ClientSession:
        """Addresses are checked when a connection is made, so one that was made for a request without a secret must
        not serve one that has: each kind has connections of its own."""
        if self._closed:
            raise Unreachable("the service is stopping")
        if bare_secret not in self._sessions:
            tls = ssl.create_default_context()
            if self.ca_file is not None:
                tls.load_verify_locations(cafile=self.ca_file)
            connector = aiohttp.TCPConnector(
                ssl=tls, limit_per_host=self.connections_per_host, socket_factory=self._socket
            )
            self._sessions[bare_secret] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=min(10.0, self.timeout)),
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[bare_secret]

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Called by aiohttp with the resolved address right before it connects, literals included."""
        family, kind, protocol, _, sockaddr = info
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        aim = _aim.get()
        trusted = aim.host_allowed or self.allow.has_address(address)
        if not trusted and not is_public(address):
            raise _NotAllowed("the address is not on the public internet")
        if aim.bare_secret and not trusted:
            raise _NotAllowed("the password would travel unencrypted")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    async def close(self) -> None:
        """For good: a poll that is still under way fails instead of opening a new session."""
        self._closed = True
        while self._sessions:
            await self._sessions.popitem()[1].close()
            # aiohttp closes its transports in the next turn of the loop.
            await asyncio.sleep(0)


class _NotAllowed(OSError):
    """The guard said no; an OSError so that aiohttp passes it through its connection logic."""


def expect(response: Response, *statuses: int) -> Response:
    """The response if its status is one of ``statuses``, else the error that fits the status."""
    status = response.status
    if status in statuses:
        return response
    host = URL(response.url).host
    if status == 401:
        raise AuthFailed(f"{host} did not accept the sign-in")
    if status == 403:
        raise Forbidden(f"{host} does not allow this account to read here")
    if status in (404, 410):
        raise NotFound(f"{host} has nothing at this address ({status})")
    if status in (408, 425, 429) or status >= 500:
        raise Unreachable(f"{host} answered {status}", retry_after=retry_after(response))
    raise BadData(f"{host} answered {status}, which was not expected here")


def retry_after(response: Response) -> float | None:
    """RFC 9110 §10.2.3: seconds, or a date; the date is taken relative to the response's own Date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def _checked(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise Misconfigured("the address is not a web address") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Misconfigured("the address must begin with https:// (or http:// where allowed)")
    if parsed.user is not None or parsed.password is not None:
        raise Misconfigured("the address holds a user name or password", advice="Give them separately.")
    return parsed


def _reason(error: BaseException) -> str:
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    if isinstance(inner, socket.gaierror):
        return "the name is not known"
    if isinstance(inner, ConnectionRefusedError):
        return "connection refused"
    return getattr(inner, "strerror", None) or type(inner).__name__


@contextmanager
def _aimed(aim: _Aim) -> Iterator[None]:
    token = _aim.set(aim)
    try:
        yield
    finally:
        _aim.reset(token)


@contextmanager
def _in_words(host: str) -> Iterator[None]:
    """Whatever goes wrong with a connection becomes the error that says so."""
    try:
        yield
    except _NotAllowed as blocked:
        raise Refused(f"{host}: {blocked}") from None
    except TimeoutError:
        raise TimedOut(f"{host} did not answer in time") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
        raise Unreachable(
            f"the encrypted connection to {host} failed ({_reason(error)})",
            advice="Check the server's certificate; an administrator can name the organisation's own CA file.",
        ) from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, _NotAllowed):
            raise Refused(f"{host}: {error.os_error}") from None
        raise Unreachable(f"cannot connect to {host} ({_reason(error)})") from None
    except aiohttp.WSServerHandshakeError as error:
        if error.status in (401, 403):
            raise AuthFailed(f"{host} did not accept the sign-in") from None
        raise Unreachable(f"{host} opens no WebSocket there ({error.status})") from None
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        raise Misconfigured("the address is not a web address") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"the connection to {host} broke ({type(error).__name__})") from None


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    packed = bytearray()
    async for chunk in answer.content.iter_any():
        packed += chunk
        if len(packed) > most:
            raise BadData(f"the answer is larger than {most // 1024} KiB")
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity") or not packed:
        return bytes(packed)
    if encoding not in ("gzip", "x-gzip"):
        raise BadData(f"the answer is packed in a way that was not asked for ({encoding[:20]})")
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(bytes(packed), most + 1)
    except zlib.error:
        raise BadData("the answer cannot be unpacked") from None
    if len(unpacked) > most:
        raise BadData(f"the answer is larger than {most // 1024} KiB")
    return unpacked
