"""Secrets come from files or standard input, never from the command line."""

import sys
from pathlib import Path

from agent.errors import UserError


def first_line(file: Path) -> str:
    """Of a file, or of standard input for ``-``. Raises UserError; what was read stands in none."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
    return text.partition("\n")[0].rstrip("\r")
