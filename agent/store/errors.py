"""What can go wrong with the store. Messages are fit for an administrator and hold no row contents."""


class StoreError(Exception):
    """Base of all."""


class StoreUnavailable(StoreError):
    """What was asked could not be made durable (disk full, locked, read-only, gone); it was undone in memory.

    A server answers 503 with Retry-After. The next write tries the database again.
    """


class StoreTooNew(StoreError):
    """The database was written by a newer version of Lamplighter than this one."""


class UnstorableRow(StoreError, ValueError):
    """A text in the row that no database can keep: not UTF-8, or with a NUL in it. Nothing was changed."""
