"""SIP messages counted by direction, method and status. In its own file because each request adds to two of them."""

from typing import Final

KNOWN_METHODS: Final = frozenset(
    {"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK"}
    | {"PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"}
)
"Anyone can invent a method; each label value costs memory for good."
OTHER: Final = "other"


class SipMessages:
    """Plain arithmetic; labels are made when somebody asks."""

    __slots__ = ("_answered", "_passed")

    def __init__(self) -> None:
        self._passed: dict[tuple[str, str, int], int] = {}
        self._answered: dict[str, dict[int, int]] = {}

    def passed(self, direction: str, method: str, status: int = 0) -> None:
        """A message passed; ``direction`` is `in` or `out`, ``status`` 0 for requests."""
        key = (direction, method if method in KNOWN_METHODS else OTHER, status)
        self._passed[key] = self._passed.get(key, 0) + 1

    def answered(self, method: str, status: int) -> None:
        """A request came in and its final answer went out."""
        by_status = self._answered.get(method)
        if by_status is None:
            by_status = self._answered.setdefault(method if method in KNOWN_METHODS else OTHER, {})
        by_status[status] = by_status.get(status, 0) + 1

    def rows(self) -> dict[tuple[str, ...], float]:
        """(direction, method, status or nothing) -> how many."""
        rows: dict[tuple[str, ...], float] = {}

        def add(direction: str, method: str, status: int, number: int) -> None:
            key = (direction, method, str(status) if status else "")
            rows[key] = rows.get(key, 0) + number

        for (direction, method, status), number in self._passed.items():
            add(direction, method, status, number)
        for method, by_status in self._answered.items():
            for status, number in by_status.items():
                add("in", method, 0, number)
                add("out", method, status, number)
        return rows
