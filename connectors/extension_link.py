"""One person's extension at a hosted PBX: what the hub hears of its calls becomes facts, ordered by their times."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import Field

from connectors.attached import Attached
from connectors.base import Context, Link
from connectors.calls import CallSeen, call_value
from connectors.facts import CallState, CallValue, Fact
from connectors.privacy import Privacy
from connectors.settings import Duration, LinkSettings


class ExtensionSettings(LinkSettings):
    """What extensions of hosted PBXs have in common."""

    device: str = Field(default="pbx", description="How rules and watchers call this phone.")
    longest_call: Duration = Field(
        default=timedelta(hours=4),
        gt=timedelta(0),
        le=timedelta(days=2),
        description="A call of which nothing was heard for this long is unknown: its end may have been lost.",
    )
    stale_after: Duration = Field(
        default=timedelta(hours=12),
        gt=timedelta(0),
        description="An extension of which nothing was heard for this long is unknown.",
    )


class ExtensionLink(Attached):
    """Found in the hub's directory by its extension."""

    def __init__(
        self, link: Link, settings: ExtensionSettings, context: Context, names: Iterable[str]
    ) -> None:
        super().__init__(link, names, context.hub.directory)
        self._extension = settings
        self._call: CallValue | None = None
        self._newest: datetime | None = None

    def calls(self, calls: Iterable[CallSeen], at: datetime) -> None:
        """All calls that the extension has at that moment."""
        if self._newest is not None and at < self._newest:
            return
        self._newest = at
        with_remote = self.link.privacy is Privacy.DETAILS
        self._call = call_value(calls, self._call, at, device=self._extension.device, with_remote=with_remote)
        idle = self._call.state is CallState.IDLE
        until = at + (self._extension.stale_after if idle else self._extension.longest_call)
        source = f"{self.link.connector}:{self.link.id}"
        self.tell([Fact(self.link.person, source, self._call, at, until)])
