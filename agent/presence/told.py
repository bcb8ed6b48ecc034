"""What a watcher has acknowledged, as a few bytes: enough to see after a restart that it knows the state already."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from agent.presence.records import Subscription

SIZE: Final = 8
"Bytes of a mark. Two that are equal by chance would leave one lamp wrong until its next change: 1 in 10^19."


def digest(media_type: str, body: bytes) -> str:
    """What stands for one document, however many have acknowledged it."""
    return media_type + "\n" + blake2b(body, digest_size=16).hexdigest()


def mark(row: Subscription, document: str) -> bytes:
    """Of one document, by its `digest`, that one watcher has acknowledged, since its last SUBSCRIBE.

    A refresh must be answered with the state (RFC 6665 §4.2.1.2), so a mark from before it says nothing.
    """
    text = f"{row.id}\n{row.remote_cseq}\n{row.remote_target}\n{row.state}\n{document}"
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=SIZE).digest()


def packed(marks: Iterable[bytes]) -> bytes:
    """In an order of its own, so that the same marks are the same bytes."""
    return b"".join(sorted(marks))


def unpacked(data: bytes) -> frozenset[bytes]:
    return frozenset(data[start : start + SIZE] for start in range(0, len(data), SIZE))
