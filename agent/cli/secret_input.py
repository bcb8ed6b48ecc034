"""Secrets come from files or standard input, never from the command line."""

import sys
from pathlib import Path

from agent.errors import UserError
from agent.settings.fields import secret_in


def first_line(file: Path) -> str:
    """Of a file, or of standard input for ``-``. Raises UserError; what was read stands in none."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
    return text.partition("\n")[0].rstrip("\r")


def secret_in_file(file: Path) -> str:
    """The first line likewise; of a key file (PEM, JSON), all of it."""
    if str(file) == "-":
        head = sys.stdin.readline()
        return secret_in(head + sys.stdin.read() if head.startswith(("-----BEGIN ", "{")) else head)
    try:
        return secret_in(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
