"""A decision that stood before a restart is the same decision afterwards: since when it holds does not change. Pure.

Without this every restart would tell every watcher a document that differs in nothing but its timestamps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from agent.documents import pidf
from agent.documents.errors import DocumentError


class Continuity:
    """``standing``: presentity -> the body that was published of it when the last run ended."""

    def __init__(self, standing: Mapping[str, bytes]) -> None:
        self._standing = dict(standing)

    def body(self, presentity: str, since: datetime, made: Callable[[datetime], bytes]) -> bytes:
        """``made(changed at)``: the document of the decision that holds since ``since``. For the first one of a
        presentity: what stands already, if it says the same."""
        standing = self._standing.pop(presentity, None)
        if standing is not None:
            before = _changed_at(standing)
            if before is not None and (body := made(before)) == standing:
                return body
        return made(since)


def _changed_at(body: bytes) -> datetime | None:
    try:
        tuples = pidf.parse(body).tuples
    except DocumentError:
        return None
    return tuples[0].timestamp if tuples else None
