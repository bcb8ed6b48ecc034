"""Keeps the subscriptions of one link; what they tell goes through the mapping."""

import asyncio
from collections.abc import Callable, Iterable

from connectors.base import Context, Link
from connectors.calls import call_value
from connectors.errors import BadData, ConnectorError, Misconfigured
from connectors.facts import CallValue, Fact, ReachState, ReachValue
from connectors.offline import OfflineWatch
from connectors.privacy import Privacy
from connectors.sip import Notice, Wanted
from connectors.sip_dialog.mapping import calls_of, reach_of
from connectors.sip_dialog.settings import SipDialogSettings


class SipDialogConnector:
    """``listen`` ends with the first subscription that is lost; the runner begins again."""

    def __init__(self, link: Link, settings: SipDialogSettings, context: Context) -> None:
        self._link, self._settings, self._context = link, settings, context
        self._offline = OfflineWatch(context.clock, settings.offline_after, self._reach)
        self._call: CallValue | None = None
        self._end: asyncio.Future[None] | None = None
        self._emit: Callable[[Iterable[Fact]], None] = lambda facts: None

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        sip, settings = self._context.sip, self._settings
        if sip is None:
            raise Misconfigured("there is no SIP user agent here")
        self._emit = emit
        self._end = asyncio.get_running_loop().create_future()
        subscriptions = []
        if settings.calls:
            wanted = self._wanted("dialog", "application/dialog-info+xml")
            subscriptions.append(sip.subscribe(wanted, self._calls_told, self._lost))
        if settings.registration:
            wanted = self._wanted("presence", "application/pidf+xml")
            subscriptions.append(sip.subscribe(wanted, self._presence_told, self._lost))
        try:
            await self._end
        finally:
            self._emit = lambda facts: None
            self._offline.cancel()
            for subscription in subscriptions:
                subscription.stop()

    async def close(self) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

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

    def _lost(self, error: ConnectorError) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_exception(error)

    def _calls_told(self, notice: Notice) -> None:
        if notice.dialogs is None:
            if notice.problem is not None:
                self._lost(BadData(notice.problem))
            return  # a part is missing and has been asked for
        self._call = call_value(
            calls_of(notice.dialogs, notice.received_at),
            self._call,
            notice.received_at,
            device=self._settings.device,
            with_remote=self._link.privacy is Privacy.DETAILS,
        )
        self._emit([Fact(self._link.person, self._source("calls"), self._call, notice.received_at)])

    def _presence_told(self, notice: Notice) -> None:
        if notice.problem is not None:
            self._lost(BadData(notice.problem))
        reach = reach_of(notice.presence) if notice.presence is not None else None
        if reach is not None:
            self._offline.heard(reach, notice.received_at)

    def _reach(self, state: ReachState) -> None:
        value = ReachValue(self._settings.device, state)
        now = self._context.clock.now()
        self._emit([Fact(self._link.person, self._source("registration"), value, now)])

    def _source(self, stream: str) -> str:
        return f"sip_dialog:{self._link.id}/{stream}"
