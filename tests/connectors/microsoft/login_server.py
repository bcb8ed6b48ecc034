"""A stand-in for Microsoft's sign-in (Entra ID, v2.0 endpoints), as far as msal asks it.

Written from the documentation of the identity platform; a real tenant was not tried.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes

TENANT = "8d0b2c1e-55d1-4f5c-9a2b-1c3f6b7a9e10"
CLIENT_ID = "5f2c3f1a-0d4e-4c8a-9b7e-2f6a1d3c5b80"
CLIENT_SECRET = "s3cr3t~of.the_application"
PENDING = {
    "error": "authorization_pending",
    "error_description": "AADSTS70016: The user has not signed in yet.",
}


@dataclass
class Grant:
    """What an access token is good for."""

    user: str | None
    "None: the application's own."
    scopes: frozenset[str]


@dataclass
class DeviceCode:
    user_code: str
    scopes: str
    user: str | None = None
    declined: bool = False


@dataclass
class AuthCode:
    user: str
    scopes: str
    challenge: str
    redirect_uri: str
    nonce: str


@dataclass
class LoginServer:
    """``app_roles``: the permissions that an administrator granted to the application itself."""

    app_roles: frozenset[str] = frozenset({"Calendars.Read", "MailboxSettings.Read"})
    certificate: bytes | None = None
    "Registered for the application (PEM)."
    base: str = ""
    token_lasts: int = 3599
    error: dict[str, str] | None = None
    "Answered to every token request (400)."
    nonsense: str | None = None
    "Likewise, as a page."
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, tuple[str, str]] = field(default_factory=dict)
    "Refresh token -> user, scopes."
    devices: dict[str, DeviceCode] = field(default_factory=dict)
    codes: dict[str, AuthCode] = field(default_factory=dict)
    interval: int = 5
    "Seconds that a device is to wait between questions."
    shown: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    "User codes, as they are given out."
    asked: list[str] = field(default_factory=list)
    "Grant types of token requests."

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.get("/common/discovery/instance", self._instance),
            web.get("/{tenant}/oauth2/v2.0/authorize", self._authorize),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.post("/{tenant}/oauth2/v2.0/devicecode", self._devicecode),
        ]

    # -- levers -------------------------------------------------------------------------------------------

    def sign_in(self, user_code: str, user: str) -> None:
        """The person enters the code and consents."""
        next(one for one in self.devices.values() if one.user_code == user_code).user = user

    def decline(self, user_code: str) -> None:
        next(one for one in self.devices.values() if one.user_code == user_code).declined = True

    def revoke(self) -> None:
        """All tokens are withdrawn, refresh tokens too."""
        self.grants.clear()
        self.refresh.clear()

    # -- endpoints ----------------------------------------------------------------------------------------

    async def _discovery(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant not in (TENANT, "example.onmicrosoft.com"):
            return _error("invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found.")
        root = f"{self.base}/{TENANT}/oauth2/v2.0"
        return web.json_response(
            {
                "issuer": f"{self.base}/{TENANT}/v2.0",
                "authorization_endpoint": f"{root}/authorize",
                "token_endpoint": f"{root}/token",
                "device_authorization_endpoint": f"{root}/devicecode",
                "response_modes_supported": ["query", "fragment", "form_post"],
            }
        )

    async def _instance(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"tenant_discovery_endpoint": f"{self.base}/{TENANT}/v2.0/.well-known/openid-configuration"}
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        """Signs in whoever ``login_hint`` names, as if a person had clicked through the pages."""
        query = request.query
        if query["client_id"] != CLIENT_ID or query.get("code_challenge_method") != "S256":
            return web.Response(status=400, text="AADSTS700016")
        code = secrets.token_urlsafe(20)
        user = query.get("login_hint", "alice@example.org")
        self.codes[code] = AuthCode(
            user, query["scope"], query["code_challenge"], query["redirect_uri"], query.get("nonce", "")
        )
        back = {"code": code, "state": query["state"], "session_state": secrets.token_hex(8)}
        if query.get("response_mode") != "form_post":
            return web.Response(
                status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(back)}"}
            )
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{value}"/>' for name, value in back.items()
        )
        form = f'<form method="POST" action="{query["redirect_uri"]}">{fields}</form>'
        page = f'<html><body onload="document.forms[0].submit()">{form}'
        return web.Response(text=page, content_type="text/html")

    async def _devicecode(self, request: web.Request) -> web.Response:
        form = await _form(request)
        if form.get("client_id") != CLIENT_ID:
            return _error("unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        self.devices[code] = DeviceCode(user_code, form["scope"])
        self.shown.put_nowait(user_code)
        return web.json_response(
            {
                "user_code": user_code,
                "device_code": code,
                "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": 900,
                "interval": self.interval,
                "message": f"To sign in, open https://microsoft.com/devicelogin and enter the code {user_code}.",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = await _form(request)
        self.asked.append(form.get("grant_type", ""))
        if self.nonsense is not None:
            return web.Response(text=self.nonsense)
        if self.error is not None:
            return web.json_response(self.error, status=400)
        if form.get("client_id") != CLIENT_ID:
            return _error("unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        match form.get("grant_type"):
            case "client_credentials":
                return self._client_credentials(form)
            case "urn:ietf:params:oauth:grant-type:device_code" | "device_code":
                return self._by_device(form)
            case "authorization_code":
                return self._by_code(form)
            case "refresh_token":
                return self._by_refresh(form)
        return _error("unsupported_grant_type", "AADSTS70003")

    def _client_credentials(self, form: dict[str, str]) -> web.Response:
        if "client_assertion" in form:
            refused = self._check_assertion(form["client_assertion"])
        else:
            refused = (
                None
                if form.get("client_secret") == CLIENT_SECRET
                else "AADSTS7000215: Invalid client secret provided."
            )
        if refused is not None:
            return _error("invalid_client", refused, status=401)
        if not form["scope"].endswith("/.default"):
            return _error("invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.token_lasts,
                "ext_expires_in": self.token_lasts,
                "access_token": self._grant(None, self.app_roles),
            }
        )

    def _check_assertion(self, assertion: str) -> str | None:
        """RFC 7523 §3, as the identity platform has it: PS256 by the registered certificate."""
        if self.certificate is None:
            return "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered."
        certificate = x509.load_pem_x509_certificate(self.certificate)
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
        if jwt.get_unverified_header(assertion).get("x5t#S256", "").rstrip("=") != thumbprint:
            return "AADSTS700027: The certificate used to sign the client assertion is not registered."
        try:
            claims = jwt.decode(
                assertion,
                certificate.public_key(),  # type: ignore[arg-type]
                algorithms=["PS256"],
                audience=f"{self.base}/{TENANT}/oauth2/v2.0/token",
                issuer=CLIENT_ID,
            )
        except jwt.PyJWTError as error:
            return f"AADSTS50027: {type(error).__name__}"
        return None if claims.get("sub") == CLIENT_ID else "AADSTS50027: subject"

    def _by_device(self, form: dict[str, str]) -> web.Response:
        device = self.devices.get(form.get("device_code") or form.get("code", ""))
        if device is None:
            return _error("expired_token", "AADSTS70020: The device code has expired.")
        if device.declined:
            return _error("authorization_declined", "AADSTS65004: User declined to consent.")
        if device.user is None:
            return web.json_response(PENDING, status=400)
        return self._personal(device.user, device.scopes, "")

    def _by_code(self, form: dict[str, str]) -> web.Response:
        code = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if code is None or shown != code.challenge or form.get("redirect_uri") != code.redirect_uri:
            return _error(
                "invalid_grant", "AADSTS501481: The code_verifier does not match the code_challenge."
            )
        return self._personal(code.user, code.scopes, code.nonce)

    def _by_refresh(self, form: dict[str, str]) -> web.Response:
        known = self.refresh.get(form.get("refresh_token", ""))
        if known is None:
            return _error(
                "invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked."
            )
        return self._personal(known[0], form.get("scope") or known[1], "")

    def _personal(self, user: str, scopes: str, nonce: str) -> web.Response:
        given = frozenset(part.rpartition("/")[2] for part in scopes.split())
        refresh = secrets.token_urlsafe(24)
        self.refresh[refresh] = (user, scopes)
        oid = hashlib.md5(user.encode()).hexdigest()
        now = int(time.time())
        claims = {
            "aud": CLIENT_ID, "iss": f"{self.base}/{TENANT}/v2.0", "iat": now, "nbf": now, "exp": now + 3600,
            "oid": oid, "sub": oid, "tid": TENANT, "preferred_username": user, "nonce": nonce,
        }  # fmt: skip
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": scopes,
            "expires_in": self.token_lasts,
            "access_token": self._grant(user, given),
            "refresh_token": refresh,
            "id_token": f"{_b64({'alg': 'none'})}.{_b64(claims)}.",
            "client_info": _b64({"uid": oid, "utid": TENANT}),
        }
        return web.json_response(answer)

    def _grant(self, user: str | None, scopes: frozenset[str]) -> str:
        token = f"token-{secrets.token_urlsafe(24)}"
        self.grants[token] = Grant(user, scopes)
        return token


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode()))


def _error(error: str, description: str, status: int = 400) -> web.Response:
    code = int(description[6:].partition(":")[0]) if description.startswith("AADSTS") else 0
    return web.json_response(
        {"error": error, "error_description": description, "error_codes": [code], "trace_id": "t"},
        status=status,
    )


def _b64(given: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode().rstrip("=")
