"""One person's extension: what the hub's board says of it becomes facts."""

from collections.abc import Callable, Iterable

from connectors.asterisk.hub import AsteriskHub
from connectors.asterisk.settings import AsteriskSettings
from connectors.asterisk.switchboard import Switchboard
from connectors.base import Context, Link
from connectors.errors import ConnectorError, Misconfigured, NotFound
from connectors.facts import Fact
from connectors.linked_phone import LinkedPhone


class AsteriskConnector:
    """Satisfies `connectors.asterisk.hub.Extension`."""

    def __init__(self, link: Link, settings: AsteriskSettings, context: Context) -> None:
        self.person = link.person
        self._settings, self._clock = settings, context.clock
        self._hub: AsteriskHub = context.hub
        self._phone = LinkedPhone(link, context.clock, settings.device, settings.offline_after)

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        with self._phone.telling(emit):
            self._hub.attach(self)
            try:
                await self._phone.until_lost()
            finally:
                self._hub.detach(self)

    async def close(self) -> None:
        self._phone.end()

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
        if self._settings.phone is not None:
            return key, frozenset({self._settings.phone})
        hint = board.hints.get(key)
        if hint is None:
            raise NotFound(
                f"Asterisk has no hint for extension {key.rstrip('@')}",
                advice=f"Add `exten => {extension},hint,PJSIP/…` to the dial plan, or name the `phone`.",
            )
        return key, frozenset(hint.devices)

    def told(self, board: Switchboard) -> None:
        seen = board.seen(*self.watches(board))
        now = self._clock.now()
        self._phone.calls(seen.calls, now)
        if seen.reach is not None:
            self._phone.reach(seen.reach, now)

    def lost(self, error: ConnectorError) -> None:
        self._phone.lose(error)
