"""What a process did, by strace: its writes, its fsyncs and what it sent, in the order in which the kernel saw them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

CALLS = ("pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "sendto")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_FILE = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'"([^"]*)"(\.\.\.)?')
UNFINISHED = " <unfinished ...>"


def program() -> str:
    """Skips the test where processes may not be traced."""
    found = shutil.which("strace")
    assert found is not None, "strace is not installed; deploy/install-test-packages brings it"
    if not _may_trace(found):
        pytest.skip("this machine lets nobody trace processes")
    return found


@cache
def _may_trace(strace: str) -> bool:
    return subprocess.run((strace, "-o", "/dev/null", "true"), capture_output=True).returncode == 0


def under(trace: Path) -> tuple[str, ...]:
    """For `tests.support.served.Served`. ``-D``: strace is the grandchild, so the service keeps its place and id."""
    which = f"trace={','.join(CALLS)}"
    form = ("-f", "--seccomp-bpf", "-y", "-xx", "-s", "65536", "-e", "signal=none", "-e", which)
    return (program(), "-D", *form, "-o", str(trace))


def is_complete(trace: Path, pid: int) -> bool:
    """Whether it holds all until the clean end of that process."""
    # Short process ids are padded.
    return re.search(rf"^{pid} +\+\+\+ exited with 0 \+\+\+", trace.read_text(), re.M) is not None


class Event(Protocol):
    """One of those below."""


@dataclass(frozen=True)
class Written:
    file: Path
    data: bytes
    offset: int


@dataclass(frozen=True)
class Truncated:
    file: Path
    size: int


@dataclass(frozen=True)
class Removed:
    file: Path


@dataclass(frozen=True)
class Synced:
    file: Path
    "Or folder, whose entries are on the disk then."


@dataclass(frozen=True)
class Sent:
    data: bytes


def events(trace: Path) -> Iterator[Event]:
    """Of calls that succeeded. What was sent counts from the moment it was asked for; everything else is true only when
    the call has returned, for which the calls of other threads may have to be waited out."""
    begun: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        thread, call = found.groups()
        if call.endswith(UNFINISHED):
            call = call.removesuffix(UNFINISHED)
            if call.startswith("sendto("):
                yield _sent(call)
            else:
                begun[thread] = call
        elif (rest := _RESUMED.fullmatch(call)) is not None:
            if thread in begun:
                yield from _returned(begun.pop(thread) + rest[1])
        else:
            yield from _returned(call)


def _returned(call: str) -> Iterator[Event]:
    found = _CALL.match(call)
    if found is None or int(found[3]) < 0:
        return
    name, arguments, result = found[1], found[2], int(found[3])
    file = _FILE.match(arguments)
    path = Path(_decoded(file[1]).decode()) if file is not None else Path()
    match name:
        case "pwrite64":
            yield Written(path, _text(arguments)[:result], int(arguments.rpartition(", ")[2]))
        case "ftruncate":
            yield Truncated(path, int(arguments.rpartition(", ")[2]))
        case "fsync" | "fdatasync":
            yield Synced(path)
        case "unlink":
            yield Removed(Path(_text(arguments).decode()))
        case "sendto":
            yield _sent(arguments)


def _sent(call: str) -> Sent:
    return Sent(_text(call))


def _text(arguments: str) -> bytes:
    found = _TEXT.search(arguments)
    assert found is not None and not found[2], f"cut off: {arguments[-200:]}"
    return _decoded(found[1])


def _decoded(escaped: str) -> bytes:
    return bytes.fromhex("".join(_ESCAPED.findall(escaped)))
