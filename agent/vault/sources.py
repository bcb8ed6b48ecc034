"""Where the keys are kept: an environment variable, systemd's credentials, or a file. Reads and writes them."""

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.errors import UserError
from agent.vault.keyring import BadKey, KeyRing, read_keys

VARIABLE = "LAMPLIGHTER_KEY"
CREDENTIAL = "lamplighter.key"
"Name of the credential for systemd's LoadCredential=."


@dataclass(frozen=True, slots=True)
class KeySource:
    """The place that the keys of one installation come from."""

    words: str
    "For people."
    file: Path | None
    "None: not a file that may be written here."
    ring: KeyRing = field(repr=False)

    def replace(self, ring: KeyRing) -> "KeySource":
        """Write another ring, whole or not at all, before this returns. Raises UserError."""
        if self.file is None:
            raise UserError(
                f"the keys come from {self.words}, which cannot be changed from here",
                [
                    "`lamplighter keys create --print` makes a key: put it before the ones that are there",
                    "restart, then `lamplighter keys rotate` encrypts everything with it",
                ],
            )
        write_keys(self.file, ring)
        return KeySource(self.words, self.file, ring)


def find_keys(file: Path, environ: Mapping[str, str]) -> KeySource:
    """The keys at hand: the variable goes before the credential, that before the file. The ring is empty when there
    are none. Raises UserError when there are some that can't be used."""
    if text := environ.get(VARIABLE):
        words = f"the variable {VARIABLE}"
        return KeySource(words, None, _read(text, words))
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (credential := Path(credentials) / CREDENTIAL).is_file():
        words = f"systemd's credential {CREDENTIAL}"
        return KeySource(words, None, _read(_text(credential), words))
    words = f"the file {file}"
    if not file.exists():
        return KeySource(words, file, KeyRing())
    _check_mode(file)
    return KeySource(words, file, _read(_text(file), words))


def write_keys(file: Path, ring: KeyRing) -> None:
    """Atomic and durable, readable by the owner alone. Raises UserError."""
    fresh = file.with_name(f".{file.name}.new")
    text = (
        f"# Lamplighter's keys: whoever has this file can read the linked accounts' passwords.\n{ring.text}"
    )
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as written:
            if file.exists():
                before = file.stat()
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, before.st_uid, before.st_gid)
            written.write(text)
            written.flush()
            os.fsync(handle)
        os.replace(fresh, file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UserError(f"cannot write {file}: {(error.strerror or 'it failed').lower()}") from None


def _check_mode(file: Path) -> None:
    status = file.stat()
    open_to = stat.S_IMODE(status.st_mode) & 0o077
    # Kubernetes mounts a secret as root's file and lets the pod's group read it.
    mounted = open_to == 0o040 and status.st_uid == 0 and os.geteuid() != 0
    if open_to and not mounted:
        raise UserError(f"others may read the key file {file}", [f"chmod 600 {file}"])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise UserError(f"{file} holds no keys") from None
    except OSError as error:
        raise UserError(
            f"cannot read the key file {file}: {(error.strerror or 'it failed').lower()}"
        ) from None


def _read(text: str, words: str) -> KeyRing:
    try:
        return read_keys(text)
    except BadKey as error:
        raise UserError(f"{words}: {error}") from None
