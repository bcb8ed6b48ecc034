"""The way from a computer to the service: enrolling, and handing in reports. Standard library only."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.errors import EXIT_UNREACHABLE, UserError

TIMEOUT = 10
"Seconds for one request."
LONGEST_ANSWER = 64 * 1024


class Refused(Exception):
    """The service does not take our reports: the token was revoked."""


class Away(Exception):
    """Nobody answers, or cannot at the moment."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What this computer knows of its service. Kept in a file that only its user can read."""

    url: str
    "Of the ingress, without the final slash."
    device: str
    token: str

    def report(self, content: dict[str, object]) -> None:
        """Hand in one report. Raises Refused, Away."""
        status, answer = _post(f"{self.url}/in/t/{self.token}", content)
        if status in (401, 403, 404):
            raise Refused
        if status >= 300:
            raise Away(f"the service answered {status}{_detail(answer)}")


def enroll(url: str, code: str, device: str) -> Enrolled:
    """Exchange a code for a token. Raises UserError."""
    base = url.rstrip("/")
    if not base.startswith(("https://", "http://")):
        raise UserError(f"{url}: expected an address such as https://presence.example.org:9561")
    try:
        status, answer = _post(f"{base}/in/enroll", {"code": code, "device": device})
    except Away as error:
        raise UserError(f"{base}: {error}", (), EXIT_UNREACHABLE) from None
    token = answer.get("token")
    if status != 200 or not isinstance(token, str):
        raise UserError(f"{base} answered {status}{_detail(answer)}")
    return Enrolled(base, device, token)


def keep(enrolled: Enrolled, path: Path) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(asdict(enrolled)) + "\n", encoding="utf-8")


def kept(path: Path) -> Enrolled:
    """Raises UserError."""
    try:
        return Enrolled(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(
            "this computer is not enrolled", ["lamplighter device enroll https://… CODE"]
        ) from None
    except (OSError, ValueError, TypeError):
        raise UserError(f"{path} cannot be read; enroll this computer again") from None


def _post(url: str, content: dict[str, object]) -> tuple[int, dict[str, Any]]:
    """(status, JSON of the answer). Raises Away."""
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return answer.status, _json(answer.read(LONGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read(LONGEST_ANSWER))
    except ssl.SSLError as error:
        raise Away(f"the encrypted connection failed ({error.reason})") from None
    except urllib.error.URLError as error:
        raise Away(f"it cannot be reached ({error.reason})") from None
    except (OSError, ValueError) as error:
        raise Away(f"it cannot be reached ({type(error).__name__})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """The token is for this address alone."""
        return None


def _json(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _detail(answer: dict[str, Any]) -> str:
    return f": {answer['detail']}" if isinstance(answer.get("detail"), str) else ""
