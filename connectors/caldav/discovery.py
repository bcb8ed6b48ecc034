"""Finds a person's calendar home from whatever address was given (RFC 6764, RFC 5397, RFC 4791 §6.2.1).

The `caldav` library knows the servers' quirks and does the asking; its transport is replaced by ours, so that
every connection passes the same guard. It is imported at the first discovery only, off the event loop.
"""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from connectors.errors import AuthFailed, BadData, ConnectorError, NotFound, Refused
from connectors.http import Response, expect
from connectors.safe_xml import parse

_HOME_SET = "{urn:ietf:params:xml:ns:caldav}calendar-home-set"
_CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar"
MAX_BODY = 1024 * 1024
_WELL_KNOWN = "/.well-known/caldav"


class Request(Protocol):
    """Sends one request as the account and gives the answer, whatever its status."""

    async def __call__(
        self, method: str, url: str, headers: dict[str, str], body: bytes, *, max_body: int = ...
    ) -> Response: ...


async def find_home(request: Request, url: str) -> str:
    """The URL of the calendar home (or of the one calendar that ``url`` names).

    ``request``: sends as the account (`connectors.caldav.account.Account.request`). Asks ``url`` first; a bare server
    address that knows nothing is asked again at its well-known place.
    Raises `AuthFailed`, `Unreachable`, `NotFound` with words.
    """
    library = await asyncio.to_thread(import_module, "caldav.aio")
    places = [url]
    if urlsplit(url).path in ("", "/"):
        places.append(urljoin(url, _WELL_KNOWN))
    last: ConnectorError = NotFound("no calendars were found at this address")
    for place in places:
        try:
            return await _ask(library, request, place)
        except (NotFound, BadData) as error:
            last = error
    raise last


async def _ask(library: Any, request: Request, url: str) -> str:
    client = _client(library, request, url)
    try:
        kinds = await client.propfind(url, props=["{DAV:}resourcetype"], depth=0)
        base = client.landed or url
        for result in kinds.results or ():
            if _CALENDAR in (result.properties.get("{DAV:}resourcetype") or ()):
                return base
        principal = await client.get_principal()
        answer = await client.propfind(str(principal.url), props=client.CALENDAR_HOME_SET_PROPS, depth=0)
    except ConnectorError:
        raise
    except Exception as error:
        # The library has its own family of errors, and raises plain ones on answers it did not expect.
        raise BadData(f"the server's answers to discovery make no sense ({type(error).__name__})") from None
    for result in answer.results or ():
        home = result.properties.get(_HOME_SET)
        if home:
            found = urljoin(str(principal.url), str(home[0] if isinstance(home, list | tuple) else home))
            if not same_house(base, found):
                raise Refused(
                    f"{urlsplit(base).hostname} says that the calendars are at {urlsplit(found).hostname}",
                    advice="If that is right, give the address of that server itself.",
                )
            return found
    raise NotFound("the server knows no calendar home for this account")


def same_house(url: str, other: str) -> bool:
    """May a password meant for ``url`` go to ``other``? To the same origin; and, encrypted, to a sibling
    (iCloud keeps homes at `p07-caldav.icloud.com`)."""
    one, two = urlsplit(url), urlsplit(other)
    if (one.scheme, one.netloc) == (two.scheme, two.netloc):
        return True
    parents = [(part.hostname or "").partition(".")[2] for part in (one, two)]
    return one.scheme == two.scheme == "https" and parents[0] == parents[1] and "." in parents[0]


def _client(library: Any, send: Request, url: str) -> Any:
    """An `AsyncDAVClient` whose every request goes through ``send``."""

    class GuardedClient(library.AsyncDAVClient):  # type: ignore[misc]
        url: Any
        landed: str | None = None

        def _create_session(self) -> None:
            self.session = None

        async def request(
            self,
            url: str,
            method: str = "GET",
            body: str | bytes = "",
            headers: Mapping[str, str] | None = None,
            rate_limit_time_slept: float = 0,
        ) -> Any:
            target = urljoin(str(self.url), str(url))
            response = await send(
                method,
                target,
                {"Content-Type": "application/xml; charset=utf-8", **(headers or {})},
                body.encode() if isinstance(body, str) else body,
                max_body=MAX_BODY,
            )
            if response.status == 401 and urlsplit(response.url).netloc != urlsplit(target).netloc:
                raise AuthFailed(
                    f"{urlsplit(target).hostname} redirects to {urlsplit(response.url).hostname}, which wants"
                    " the password",
                    advice="Give the address of that server itself.",
                )
            expect(response, 200, 207)
            parse(response.body)
            if self.landed is None:
                self.landed = response.url
                self.url = type(self.url).objectify(response.url)
            return library_response(_Answer(response), self)

    library_response = import_module("caldav.response").DAVResponse
    return GuardedClient(url=url, enable_rfc6764=False)


class _Answer:
    """A response in the shape that the library reads."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = response.headers
        self.content = response.body
        self.text = response.body.decode("utf-8", "replace")
        self.reason = ""
