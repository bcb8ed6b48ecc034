"""Keeps the subscriptions of one link; what they tell goes through the mapping."""

from collections.abc import Callable, Iterable

from connectors.base import Context, Link
from connectors.errors import BadData, Misconfigured
from connectors.facts import Fact
from connectors.linked_phone import LinkedPhone
from connectors.sip import Notice, Wanted
from connectors.sip_dialog.mapping import calls_of, reach_of
from connectors.sip_dialog.settings import SipDialogSettings


class SipDialogConnector:
    """``listen`` ends with the first subscription that is lost; the runner begins again."""

    def __init__(self, link: Link, settings: SipDialogSettings, context: Context) -> None:
        self._link, self._settings, self._sip = link, settings, context.sip
        self._phone = LinkedPhone(link, context.clock, settings.device, settings.offline_after)

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        sip, settings = self._sip, self._settings
        if sip is None:
            raise Misconfigured("there is no SIP user agent here")
        with self._phone.telling(emit):
            subscriptions = []
            if settings.calls:
                wanted = self._wanted("dialog", "application/dialog-info+xml")
                subscriptions.append(sip.subscribe(wanted, self._calls_told, self._phone.lose))
            if settings.registration:
                wanted = self._wanted("presence", "application/pidf+xml")
                subscriptions.append(sip.subscribe(wanted, self._presence_told, self._phone.lose))
            try:
                await self._phone.until_lost()
            finally:
                for subscription in subscriptions:
                    subscription.stop()

    async def close(self) -> None:
        self._phone.end()

    def _wanted(self, event: str, media_type: str) -> Wanted:
        settings = self._settings
        return Wanted(
            settings.address,
            event,
            (media_type,),
            server=settings.server,
            from_=settings.watcher,
            user=settings.user,
            password=self._link.secret if settings.user is not None else None,
            expires=int(settings.expires.total_seconds()),
            one_dialog_each=settings.one_dialog_each,
        )

    def _calls_told(self, notice: Notice) -> None:
        if notice.dialogs is not None:
            self._phone.calls(calls_of(notice.dialogs, notice.received_at), notice.received_at)
        elif notice.problem is not None:
            self._phone.lose(BadData(notice.problem))
        # Else a part is missing, and has been asked for.

    def _presence_told(self, notice: Notice) -> None:
        if notice.problem is not None:
            self._phone.lose(BadData(notice.problem))
        reach = reach_of(notice.presence) if notice.presence is not None else None
        if reach is not None:
            self._phone.reach(reach, notice.received_at)
