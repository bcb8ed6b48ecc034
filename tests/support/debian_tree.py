"""Programs that this Debian does not have, from the packages of another suite, unpacked below the user's cache.

Nothing is installed: the tree is one folder that can be thrown away at any time and is made again by the next test
that needs it. It has its own libraries and its own loader, so neither root nor a chroot is needed to run from it.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECIPE = 1
"Raise it when a tree made before must be made anew."
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, slots=True)
class DebianTree:
    """An unpacked root folder."""

    root: Path

    @property
    def libraries(self) -> Path:
        """Where the libraries of this machine's architecture are."""
        return next(path.parent for path in self.root.glob("usr/lib/*/libc.so.6"))

    def command(self, program: str) -> list[str]:
        """How to run ``usr/sbin/asterisk`` from the tree, with the tree's libraries."""
        loader = next(iter([*self.root.glob("usr/lib64/ld-*.so.*"), *self.libraries.glob("ld-*.so.*")]))
        return [str(loader), "--library-path", str(self.libraries), str(self.root / program)]


def cache_folder() -> Path:
    """Shared by all checkouts and all runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lamplighter-tests"


def debian_tree(package: str, suites: tuple[str, ...]) -> DebianTree:
    """The package and what it depends on, from the first suite that has it.

    Made once, in less than a minute; other processes wait meanwhile. Raises AssertionError that shows what apt said.
    """
    root = cache_folder() / f"{package}-{RECIPE}"
    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root.with_suffix(".lock")):
        if not root.exists():
            _make(root, package, suites)
    return DebianTree(root)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make(root: Path, package: str, suites: tuple[str, ...]) -> None:
    work = root.with_suffix(".new")
    said = ""
    for suite in suites:
        shutil.rmtree(work, ignore_errors=True)
        done = _download(work / "apt", package, suite)
        if done.returncode != 0:
            said += f"{suite}: {done.stdout}\n"
            continue
        tree = work / "root"
        tree.mkdir()
        for archive in sorted((work / "apt" / "cache" / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", archive, tree], check=True)
        tree.rename(root)
        shutil.rmtree(work)
        return
    raise AssertionError(f"no suite of Debian has {package}:\n{said}")


def _download(apt: Path, package: str, suite: str) -> "subprocess.CompletedProcess[str]":
    """With a package database of its own in which nothing is installed; the machine's is not touched."""
    for folder in ("state/lists/partial", "cache/archives/partial", "empty"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_site()} {suite} main\n")
    options = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": apt / "empty",
        "Dir::Etc::preferences": apt / "none",
        "Dir::Etc::preferencesparts": apt / "empty",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    apt_get = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    done = subprocess.run([*apt_get, "update", "--error-on=any"], **_CAPTURED)
    if done.returncode == 0:
        done = subprocess.run([*apt_get, "install", "-y", "--download-only", package], **_CAPTURED)
    return done


_CAPTURED = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


def _site() -> str:
    """The mirror that this machine's apt uses for Debian itself."""
    wanted = ("--format", "$(LABEL) $(SITE)", "Created-By: Packages")
    listed = subprocess.run(["apt-get", "indextargets", *wanted], **_CAPTURED).stdout
    sites = [line.removeprefix("Debian ") for line in listed.splitlines() if line.startswith("Debian ")]
    assert sites, f"apt of this machine knows no mirror of Debian:\n{listed}"
    return sites[0]
