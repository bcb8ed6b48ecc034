"""Small programs of our own on libraries that bring no program; compiled once for a run of the tests."""

import shutil
import subprocess
from pathlib import Path

from tests.interop.programs import run

HERE = Path(__file__).parent


def compiled(name: str, folder: Path, *packages: str) -> Path:
    """The program made of ``<name>.c`` with libraries that pkg-config knows. Raises AssertionError with gcc's words."""
    assert shutil.which("gcc"), "gcc is not installed; deploy/install-test-packages brings it"
    program = folder / name
    if program.exists():
        return program
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True, check=True
    ).stdout.split()
    part = folder / f".{name}-{id(folder)}"
    code, said = run("gcc", "-O1", "-Wall", "-o", str(part), str(HERE / f"{name}.c"), *flags)
    assert code == 0, said
    part.rename(program)
    return program
