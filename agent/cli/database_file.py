"""What the commands about the database file share: which file it is, and a bar that shows how far a copy is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from agent.errors import UserError
from agent.settings import Settings


def database_file(settings: Settings) -> Path:
    """Raises UserError when the store is not kept in a SQLite file."""
    scheme, _, place = settings.store.url.partition(":///")
    if scheme.partition("+")[0] == "sqlite" and place and not place.startswith((":", "file:")):
        return Path(place)
    if scheme.startswith("postgresql"):
        raise UserError(
            "the store is kept by a PostgreSQL server",
            ["`pg_dump` and `pg_restore` take and put back copies of it, while it runs"],
        )
    raise UserError("the store keeps nothing in a file (`store.url`)")


@contextmanager
def copying(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal; yields what is to be told of the pages."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def size(count: int) -> str:
    """``1.5 MB``"""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
