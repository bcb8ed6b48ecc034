"""Asks the service that runs on this machine, over its control socket."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from agent.cli.serve import control_path
from agent.errors import EXIT_UNREACHABLE, UserError


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def is_running(settings: Path) -> bool:
    """Whether somebody listens at the control socket. One that does not answer counts: the store is then not ours."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(control_path(settings)))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


def ask(
    settings: Path, path: str, method: str = "GET", body: object = None, *, patience: float = 10.0
) -> Any:
    """The decoded answer of the service with these settings. Raises UserError, with what to do about it.

    ``body``: goes along as JSON; None: nothing does. ``patience``: seconds for the answer.
    """
    sock = control_path(settings)
    connection = _UnixConnection(sock, patience)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        response = connection.getresponse()
        received = response.read()
    except (FileNotFoundError, ConnectionRefusedError):
        raise UserError(
            f"no service runs with {settings}",
            [f"start it: lamplighter serve --settings {settings}", "`--settings FILE` names another one"],
            EXIT_UNREACHABLE,
        ) from None
    except PermissionError:
        raise UserError(
            f"{sock} belongs to another user; run this as the user that the service runs as"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"the service does not answer at {sock}: {error}", (), EXIT_UNREACHABLE) from None
    finally:
        connection.close()
    answer = json.loads(received)
    if response.status >= 400:
        detail = answer.get("detail", "it refused") if isinstance(answer, dict) else "it refused"
        raise UserError(detail if isinstance(detail, str) else "the service did not understand the question")
    return answer
