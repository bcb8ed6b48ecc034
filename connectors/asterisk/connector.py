"""One person's extension: what the hub's board says of it becomes facts."""

import asyncio
from collections.abc import Callable, Iterable

from connectors.asterisk.hub import AsteriskHub
from connectors.asterisk.settings import AsteriskSettings
from connectors.asterisk.switchboard import Switchboard
from connectors.base import Context, Link
from connectors.calls import call_value
from connectors.errors import ConnectorError, Misconfigured, NotFound
from connectors.facts import CallValue, Fact, ReachState, ReachValue
from connectors.offline import OfflineWatch
from connectors.privacy import Privacy


class AsteriskConnector:
    """Satisfies `connectors.asterisk.hub.Extension`."""

    def __init__(self, link: Link, settings: AsteriskSettings, context: Context) -> None:
        self.person = link.person
        self._link, self._settings, self._context = link, settings, context
        self._hub: AsteriskHub = context.hub
        self._offline = OfflineWatch(context.clock, settings.offline_after, self._reach)
        self._call: CallValue | None = None
        self._end: asyncio.Future[None] | None = None
        self._emit: Callable[[Iterable[Fact]], None] = lambda facts: None

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        self._emit = emit
        self._end = asyncio.get_running_loop().create_future()
        self._hub.attach(self)
        try:
            await self._end
        finally:
            self._emit = lambda facts: None
            self._hub.detach(self)
            self._offline.cancel()

    async def close(self) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

    def watches(self, board: Switchboard) -> tuple[str, frozenset[str]]:
        extension, _, context = self._settings.extension.partition("@")
        context = context or self._settings.context or ""
        if not context:
            contexts = board.contexts_of(extension)
            if len(contexts) > 1:
                raise Misconfigured(
                    f"extension {extension} has hints in several contexts ({', '.join(contexts)})",
                    advice=f"Say which: {extension}@{contexts[0]}, or `context` at the entry.",
                )
            context = contexts[0] if contexts else ""
        key = f"{extension}@{context}"
        if self._settings.device is not None:
            return key, frozenset({self._settings.device})
        hint = board.hints.get(key)
        if hint is None:
            raise NotFound(
                f"Asterisk has no hint for extension {key.rstrip('@')}",
                advice=f"Add `exten => {extension},hint,PJSIP/…` to the dial plan, or name the `device`.",
            )
        return key, frozenset(hint.devices)

    def told(self, board: Switchboard) -> None:
        seen = board.seen(*self.watches(board))
        now = self._context.clock.now()
        self._call = call_value(
            seen.calls,
            self._call,
            now,
            device=self._device,
            with_remote=self._link.privacy is Privacy.DETAILS,
        )
        self._emit([Fact(self.person, self._source("calls"), self._call, now)])
        if seen.reach is not None:
            self._offline.heard(seen.reach, now)

    def lost(self, error: ConnectorError) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_exception(error)

    @property
    def _device(self) -> str:
        return self._settings.device or self._settings.extension

    def _reach(self, state: ReachState) -> None:
        value = ReachValue(self._device, state)
        self._emit([Fact(self.person, self._source("registration"), value, self._context.clock.now())])

    def _source(self, stream: str) -> str:
        return f"asterisk:{self._link.id}/{stream}"
