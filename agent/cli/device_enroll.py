"""`lamplighter device enroll`: join this computer to a service."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.device_file import DEFAULT_FILE, FileOption
from agent.device.service import Enrolled, enroll, keep
from agent.errors import UserError


def command(
    url: Annotated[
        str, typer.Argument(help="Where the service takes reports: what the administrator gave you.")
    ],
    code: Annotated[
        str, typer.Argument(help="The code that came with it. Good once, for a quarter of an hour.")
    ],
    name: Annotated[
        str | None, typer.Option(help="How others see this computer. Default: its host name.")
    ] = None,
    file: FileOption = DEFAULT_FILE,
) -> None:
    """Exchange a code for this computer's own token, and keep that where only you can read it.

    Example: lamplighter device enroll https://presence.example.org:9561 ABCD-EFGH --name laptop
    """
    device = name or socket.gethostname().partition(".")[0] or "computer"
    enrolled = enroll(url, code, device)
    _keep(enrolled, file)
    print(f"{device} is enrolled. `lamplighter device run` reports; `lamplighter device show` shows what.")


def _keep(enrolled: Enrolled, file: Path) -> None:
    try:
        keep(enrolled, file)
    except OSError as error:
        raise UserError(f"cannot write {file}: {(error.strerror or 'it failed').lower()}") from None
