"""One person's extension: what the hub's board says of it becomes facts."""

from collections.abc import Callable, Iterable

from connectors.base import Context, Link
from connectors.errors import Misconfigured
from connectors.facts import Fact
from connectors.freeswitch.hub import FreeSwitchHub
from connectors.freeswitch.mapping import identity
from connectors.freeswitch.settings import FreeSwitchSettings
from connectors.freeswitch.switchboard import Switchboard
from connectors.linked_phone import LinkedPhone


class FreeSwitchConnector:
    """Satisfies `connectors.freeswitch.hub.Extension`."""

    def __init__(self, link: Link, settings: FreeSwitchSettings, context: Context) -> None:
        self.person = link.person
        self._clock = context.clock
        self._hub: FreeSwitchHub = context.hub
        self._phone = LinkedPhone(link, context.clock, settings.device, settings.offline_after)
        user, _, domain = identity(settings.extension).partition("@")
        self._user, self._domain = user, domain or (settings.domain or "").lower()

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        with self._phone.telling(emit):
            self._hub.attach(self)
            try:
                await self._phone.until_lost()
            finally:
                self._hub.detach(self)

    async def close(self) -> None:
        self._phone.end()

    def concerned(self, ids: set[str]) -> bool:
        if self._domain:
            return f"{self._user}@{self._domain}" in ids
        return any(each.partition("@")[0] == self._user for each in ids)

    def told(self, board: Switchboard) -> None:
        domains = [self._domain] if self._domain else board.domains_of(self._user)
        if len(domains) > 1:
            self._phone.lose(
                Misconfigured(
                    f"extension {self._user} is there in several domains ({', '.join(domains)})",
                    advice=f"Say which: {self._user}@{domains[0]}, or `domain` at the entry.",
                )
            )
            return
        seen = board.seen(f"{self._user}@{domain}" for domain in domains)
        now = self._clock.now()
        self._phone.calls(seen.calls, now)
        if seen.reach is not None:
            self._phone.reach(seen.reach, now)
