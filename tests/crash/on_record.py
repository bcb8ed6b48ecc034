"""What a service has on record of its watchers."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agent.presence.told import unpacked


@dataclass(frozen=True)
class OnRecord:
    believed_until: float
    "Wall clock. A start before then believes the rest."
    knowing: dict[str, int]
    "Presentity -> how many of its watchers are known to know the state."

    @classmethod
    def of(cls, database: Path) -> "OnRecord":
        """While somebody serves from it; nothing if there is no such file."""
        if not database.exists():
            return cls(0.0, {})
        with closing(sqlite3.connect(database)) as connection:
            until = connection.execute("SELECT value FROM sequences WHERE name = 'trusted_until'").fetchone()
            told = connection.execute("SELECT presentity, marks FROM told").fetchall()
        return cls(until[0] / 1000, {presentity: len(unpacked(marks)) for presentity, marks in told})

    @classmethod
    def left_in(cls, database: Path) -> "OnRecord":
        """By who is dead. Of a copy: who opens the file itself does the recovery that the next start has to do."""
        with tempfile.TemporaryDirectory() as folder:
            for file in (database, database.with_name(f"{database.name}-wal")):
                if file.exists():
                    shutil.copy(file, folder)
            return cls.of(Path(folder) / database.name)
