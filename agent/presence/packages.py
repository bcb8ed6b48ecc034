"""Event packages: what may be published and subscribed to, in which media types, for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

PIDF: Final = "application/pidf+xml"
DIALOG_INFO: Final = "application/dialog-info+xml"


@dataclass(frozen=True, slots=True)
class ExpiryLimits:
    """Seconds. A longer wish is lowered to ``maximum``; a shorter one than ``minimum`` is refused with 423."""

    default: int = 3600
    minimum: int = 60
    maximum: int = 3600


@dataclass(frozen=True, slots=True)
class EventPackage:
    """``publish_types`` and ``notify_types``: media types in order of preference."""

    name: str
    publish_types: tuple[str, ...]
    notify_types: tuple[str, ...]
    publish_limits: ExpiryLimits = field(default_factory=ExpiryLimits)
    subscribe_limits: ExpiryLimits = field(default_factory=ExpiryLimits)
    shortest_change: int | None = None
    "Seconds that a publication may live at least when its state is changed, where that is less than for a first one."
    versioned: bool = False
    "Each document of a subscription carries a number, one higher than the one before."

    def notified_type(self, accept: tuple[str, ...]) -> str:
        """The media type of the NOTIFYs for a subscription that was accepted with these Accept elements."""
        return acceptable_type(accept, self.notify_types) or self.notify_types[0]


PRESENCE: Final = EventPackage("presence", (PIDF,), (PIDF,))
"RFC 3856: default duration 3600 s, default body application/pidf+xml (§6.4, §6.5)."


DIALOG: Final = EventPackage("dialog", (DIALOG_INFO,), (DIALOG_INFO,), versioned=True, shortest_change=10)
"""RFC 4235, as busy lamps use it: whoever publishes presence can be watched as one (presence/lamp); phones and PBXs
publish their calls to it (presence/calls). RFC 4235 §3.4 wants watchers to name a duration; many don't."""

DEFAULT_PACKAGES: Final[Mapping[str, EventPackage]] = MappingProxyType(
    {package.name: package for package in (PRESENCE, DIALOG)}
)


@lru_cache(maxsize=1024)  # a few clients' habits, asked for at each NOTIFY
def acceptable_type(accept: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    """The media type to send: the offered one with the highest ``q`` among what ``accept`` (Accept elements) takes.

    No Accept at all means the package's default (RFC 6665 §3.1.3). None: nothing fits, answer 406.
    """
    if not accept:
        return offered[0]
    best: tuple[float, str] | None = None
    for media_type in offered:
        quality = max((_quality(element, media_type) for element in accept), default=0.0)
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, media_type)
    return best[1] if best is not None else None


def _quality(element: str, media_type: str) -> float:
    name, *params = (part.strip() for part in element.split(";"))
    name = name.lower()
    main = media_type.partition("/")[0]
    if name not in (media_type, "*/*", f"{main}/*"):
        return 0.0
    for param in params:
        key, _, value = param.partition("=")
        if key.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
