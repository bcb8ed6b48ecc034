"""One account at a CalDAV server: its requests, and how they sign in."""

from connectors.authorization import Authorization, basic, bearer, digest
from connectors.base import Context, Link
from connectors.caldav.settings import CalDavSettings
from connectors.consent import sign_in_command
from connectors.http import MAX_BODY, Response
from connectors.oauth import RefreshedToken

XML = "application/xml; charset=utf-8"


class Account:
    """Requests as this account. A refused sign-in is tried once more where there is another way: Digest after Basic, a
    fresh access token after an old one."""

    def __init__(self, link: Link, settings: CalDavSettings, context: Context) -> None:
        self._settings, self._context, self._secret = settings, context, link.secret
        self._tokens: RefreshedToken | None = None
        self._fixed: Authorization | None = None
        if settings.oauth is not None:
            own = link.secret if link.secret != link.entry.secret else None
            self._tokens = RefreshedToken(
                settings.oauth, context, own, link.entry.secret, again=sign_in_command(link)
            )
        elif link.secret is not None:
            self._fixed = self._by_password(link.secret)

    def _by_password(self, secret: str) -> Authorization:
        if self._settings.auth == "bearer":
            return bearer(secret)
        name = self._settings.username or ""
        if self._settings.auth == "digest" or self._context.state.get("auth") == "digest":
            return digest(name, secret)
        return basic(name, secret)

    async def dav(self, method: str, url: str, body: bytes, *, depth: str = "1") -> Response:
        """A WebDAV request, whatever its status."""
        return await self.request(method, url, {"Depth": depth, "Content-Type": XML}, body)

    async def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes, *, max_body: int = MAX_BODY
    ) -> Response:
        """Any request, whatever its status. Raises as `connectors.http.Http.request`, and `AuthFailed`."""
        response = await self._once(method, url, headers, body, max_body)
        if response.status != 401 or not await self._another_way(response):
            return response
        return await self._once(method, url, headers, body, max_body)

    async def _once(
        self, method: str, url: str, headers: dict[str, str], body: bytes, max_body: int
    ) -> Response:
        return await self._context.http.request(
            method,
            url,
            headers=headers,
            body=body,
            authorization=await self._authorization(),
            max_body=max_body,
        )

    async def _authorization(self) -> Authorization | None:
        return self._fixed if self._tokens is None else bearer(await self._tokens.token())

    async def _another_way(self, response: Response) -> bool:
        """Something has changed that makes asking again worth it."""
        if self._tokens is not None:
            self._tokens.refused()
            return True
        offered = response.headers.get("WWW-Authenticate", "").lower()
        wants_digest = "digest" in offered and "basic" not in offered
        if self._settings.auth != "auto" or not wants_digest or not isinstance(self._fixed, str):
            return False
        assert self._secret is not None
        self._context.state["auth"] = "digest"
        self._fixed = self._by_password(self._secret)
        return True
