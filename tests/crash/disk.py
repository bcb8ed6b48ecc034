"""A disk as a loss of power leaves it: what was written and not yet synced is gone, with the names of new files."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.strace import Event, Removed, Synced, Truncated, Written


@dataclass
class Disk:
    """Only the files of one folder. ``prefix``: of their names; others are not followed."""

    folder: Path
    prefix: str
    written: dict[Path, bytearray] = field(default_factory=dict)
    "As the living process sees it."
    synced: dict[Path, bytes] = field(default_factory=dict)
    "Contents that have reached the disk."
    named: set[Path] = field(default_factory=set)
    "Files whose names have."

    def take(self, event: Event) -> None:
        match event:
            case Written(file, data, offset) if self._is_ours(file):
                held = self.written.setdefault(file, bytearray())
                held.extend(bytes(max(0, offset + len(data) - len(held))))
                held[offset : offset + len(data)] = data
            case Truncated(file, size) if self._is_ours(file):
                held = self.written.setdefault(file, bytearray())
                held[size:] = bytes(max(0, size - len(held)))
            case Removed(file) if self._is_ours(file):
                # Whether the name is gone from the disk before the folder is synced is left to the file system;
                # SQLite removes only what may be there or not.
                self.written.pop(file, None)
                self.synced.pop(file, None)
                self.named.discard(file)
            case Synced(file) if file == self.folder:
                self.named.update(self.written)
            case Synced(file) if file in self.written:
                self.synced[file] = bytes(self.written[file])

    def cut_power(self) -> dict[str, bytes]:
        """Name -> contents of what is found afterwards."""
        return {file.name: data for file, data in self.synced.items() if file in self.named}

    def _is_ours(self, file: Path) -> bool:
        return file.parent == self.folder and file.name.startswith(self.prefix)
