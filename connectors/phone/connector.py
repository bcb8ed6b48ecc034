"""Takes what one phone reports."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from connectors.base import Context, Link
from connectors.calls import call_value
from connectors.errors import BadData
from connectors.facts import (
    ActivityState,
    ActivityValue,
    CallState,
    CallValue,
    Fact,
    FactValue,
    ReachState,
    ReachValue,
)
from connectors.ingress import Received, Reply
from connectors.phone.events import BY_HAND, Calls, Event, Report
from connectors.phone.mapping import Key, read_request, shown_on
from connectors.phone.settings import PhoneSettings
from connectors.privacy import Privacy
from connectors.reception import Reception

_REACH = {Event.REGISTERED: ReachState.REGISTERED, Event.UNREGISTERED: ReachState.OFFLINE}
NOTHING = Reply(200, b"", "text/plain")
"Phones do not read it; some show an error for anything but 200."


class PhoneConnector:
    """A `connectors.base.PushConnector` that receives."""

    reception = Reception(methods=("GET", "POST"), max_body=64 * 1024)

    def __init__(self, link: Link, settings: PhoneSettings, context: Context) -> None:
        self._link, self._settings, self._context = link, settings, context
        self._calls = Calls()
        self._said: CallValue | None = None
        self._emit: Callable[[Iterable[Fact]], None] | None = None
        self._closed = asyncio.Event()

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        """See `connectors.base.PushConnector.listen`. A phone is not asked: what it last did is not known yet."""
        self._emit = emit
        try:
            await self._closed.wait()
        finally:
            self._emit = None

    async def receive(self, request: Received) -> Reply:
        """See `connectors.base.Receives.receive`."""
        told = read_request(request)
        if isinstance(told, Key):
            return await self._key(told.text)
        for report in told:
            self._report(report, request.received_at)
            if report.event in (Event.DND_ON, Event.DND_OFF) and self._settings.dnd_state is not None:
                await self._command(self._settings.dnd_state if report.event is Event.DND_ON else "auto")
        return NOTHING

    def _report(self, report: Report, at: datetime) -> None:
        facts: list[Fact] = []
        if self._calls.take(report, at):
            with_remote = self._link.privacy is Privacy.DETAILS
            value = call_value(
                self._calls.seen(), self._said, at, device=self._settings.device, with_remote=with_remote
            )
            self._said = value
            kept = (
                self._settings.stale_after if value.state is CallState.IDLE else self._settings.longest_call
            )
            facts.append(self._fact("calls", value, at, at + kept))
        if report.event in BY_HAND:
            facts.append(
                self._fact("input", ActivityValue(self._settings.device, ActivityState.ACTIVE, at), at)
            )
        if report.event in _REACH:
            facts.append(
                self._fact("registration", ReachValue(self._settings.device, _REACH[report.event]), at)
            )
        if self._emit is not None:
            self._emit(facts)

    def _fact(self, stream: str, value: FactValue, at: datetime, until: datetime | None = None) -> Fact:
        source = f"{self._link.connector}:{self._link.id}/{stream}"
        return Fact(self._link.person, source, value, at, until or at + self._settings.stale_after)

    async def _key(self, text: str) -> Reply:
        answer = await self._command(text)
        kind, body = shown_on(self._settings.vendor, "Lamplighter", answer)
        return Reply(200, body, kind)

    async def _command(self, text: str) -> str:
        if self._context.command is None:
            raise BadData("nobody takes what keys say here")
        return await self._context.command(self._link.person, text)

    async def close(self) -> None:
        """See `connectors.base.PushConnector.close`."""
        self._closed.set()
