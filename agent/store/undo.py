"""What a failed group means: the one place that decides which writes are taken back, and which are only late.

Taken back is what somebody outside was to be promised: publications, subscriptions, choices. They get 503, and nothing
has changed. Only late is what this process would decide again after a restart anyway: its own publications, what the
rules remember, and the numbers that it has given out. That stays in memory and goes with the next group, so that lamps
follow the rules while a disk is full.
"""

from collections.abc import Sequence

from agent.presence.records import OWN_PUBLISHER, Publication
from agent.store.group import Group
from agent.store.rows import Kind, Row
from agent.store.working_set import WorkingSet


def undo(failed: Sequence[Group], working: WorkingSet) -> Group:
    """Put memory back to what is durable, but for what is only late; that is in the group returned, with its changes.

    ``failed``: oldest first. Writes made while a group was under way fail with it: they may build on it.
    """
    due = Group()
    for group in reversed(failed):
        for kind, before in group.before.items():
            for key, row in before.items():
                if not _is_only_late(kind, row, working.get(kind, key)):
                    working.apply(kind, key, row)
    for group in failed:
        for kind, writes in group.writes.items():
            for key in writes:
                row = None if kind is Kind.TOLD else working.get(kind, key)
                if kind is Kind.TOLD:
                    # It must not outlive a change that it knows nothing of: better none than an old one.
                    working.apply(kind, key, None)
                if _is_due(kind, key, row, group.before[kind][key]):
                    due.record(kind, key, row, group.before[kind][key])
        for resource, change in group.changes.items():
            if any(_resource(row) == resource for row in _touched(due)):
                due.changes.setdefault(resource, change)
    return due


def _is_only_late(kind: Kind, before: Row | None, now: Row | None) -> bool:
    if kind is Kind.MEMORY:
        return True
    return any(isinstance(row, Publication) and row.publisher == OWN_PUBLISHER for row in (before, now))


def _is_due(kind: Kind, key: str, row: Row | None, before: Row | None) -> bool:
    if kind is Kind.TOLD:
        return True
    if kind is Kind.SUBSCRIPTION:
        # Numbers given out stay given out, so their ceilings are due still.
        return row is not None
    return _is_only_late(kind, before, row)


def _touched(group: Group) -> list[Row | None]:
    writes, before = group.writes.get(Kind.PUBLICATION, {}), group.before.get(Kind.PUBLICATION, {})
    return [*writes.values(), *before.values()]


def _resource(row: Row | None) -> tuple[str, str] | None:
    return (row.presentity, row.package) if isinstance(row, Publication) else None
