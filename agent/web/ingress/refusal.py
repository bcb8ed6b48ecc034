"""A request that is not let through, and how it is told. Pure."""

from collections.abc import Mapping


class Refusal(Exception):
    """``words`` go to the sender and, with the source's name, into the log: no tokens, no content."""

    def __init__(
        self, status: int, words: str, headers: Mapping[str, str] | None = None, source: str = ""
    ) -> None:
        """``source``: the entry or link that it was meant for, if there is one."""
        super().__init__(words)
        self.source = source
        self.status = status
        self.words = words
        self.headers = dict(headers or {})


def too_many(words: str, seconds: int) -> Refusal:
    """429: the sender asks too often."""
    return Refusal(429, words, {"Retry-After": str(max(1, seconds))})


def overloaded(words: str, seconds: int = 5) -> Refusal:
    """503: we can't keep up."""
    return Refusal(503, words, {"Retry-After": str(seconds)})
