"""Takes the requests, finds out whom they are about, and keeps what has to be known between them."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime

from connectors.attached import Attached
from connectors.base import Context, Entry, Link
from connectors.directory import Directory
from connectors.errors import BadData
from connectors.facts import CallValue, Fact
from connectors.ingress import Received, Reply
from connectors.privacy import Privacy
from connectors.reception import Reception
from connectors.sessions import Sessions
from connectors.strangers import Strangers
from connectors.webhook.mapping import News, understand
from connectors.webhook.settings import WebhookSettings

REMEMBERED = 10_000
"Ids of news, for what is said twice."


class WebhookHub:
    """What all people of one entry share: its address, its mapping, and which news was taken already."""

    def __init__(self, entry: Entry, settings: WebhookSettings, context: Context) -> None:
        self._settings, self._clock = settings, context.clock
        self.directory: Directory[Attached] = Directory()
        self._strangers = Strangers(entry.key)
        self._taken: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.reception = Reception(
            methods=(*settings.methods, "OPTIONS"), signature=settings.signature, secret_opens=True
        )

    async def receive(self, request: Received) -> Reply:
        if request.method == "OPTIONS":
            return _consent(request)
        understood = understand(request, self._settings)
        unknown = 0
        for news in understood.news:
            if news.id is not None and news.id in self._taken:
                continue
            if news.cleared is not None:
                for one in self.directory:
                    if isinstance(one, WebhookConnector):
                        one.cleared(news.cleared, news.at)
                continue
            found = self.directory.find(news.subject if news.subject is not None else request.person or "")
            if isinstance(found, WebhookConnector) and request.person in (None, found.link.person):
                found.hear(news)
            else:
                unknown += 1
                self._strangers.seen()
            self._remember(news.id)
        if request.person is not None and unknown == len(understood.news) and unknown:
            raise BadData("this is not about the person that the token is for, or they are not linked")
        return Reply(self._settings.reply)

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _remember(self, identity: tuple[str, str] | None) -> None:
        if identity is None:
            return
        self._taken[identity] = None
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)


class WebhookConnector(Attached):
    """One person's part: the streams of their facts."""

    def __init__(self, link: Link, settings: WebhookSettings, context: Context) -> None:
        names = settings.subjects or (link.person, *link.addresses)
        super().__init__(link, (*names, link.person), context.hub.directory)
        self._clock, self._ttl = context.clock, settings.ttl
        self._tags = settings.zone_tags
        self._sessions = Sessions()
        self._newest: dict[str, datetime] = {}

    def hear(self, news: News) -> None:
        """News about this person."""
        if news.sighting is not None:
            if self._sessions.take(news.sighting):
                self._tell_place()
        elif news.value is not None:
            self._tell_value(news)

    def cleared(self, group: str, at: datetime) -> None:
        """An access point was restarted."""
        if self._sessions.clear(group, at):
            self._tell_place()

    def forget(self) -> tuple[str, ...]:
        """Where the person was is not known any more. Returns the sources of what was told."""
        self._sessions = Sessions()
        return (self._source(),)

    def _tell_place(self) -> None:
        place = self._sessions.place(self._clock.now())
        if place is not None:
            value = replace(place.value, tags=self._tags.get(place.value.zone or "", ()))
            self.tell([Fact(self.link.person, self._source(), value, place.observed_at, place.valid_until)])

    def _tell_value(self, news: News) -> None:
        value = news.value
        assert value is not None
        if isinstance(value, CallValue) and self.link.privacy is not Privacy.DETAILS:
            value = replace(value, remote=None)
        source = self._source(news.device)
        if news.at < self._newest.get(source, news.at):
            return
        self._newest[source] = news.at
        until = None if self._ttl is None else news.at + self._ttl
        self.tell([Fact(self.link.person, source, value, news.at, until)])

    def _source(self, device: str = "") -> str:
        return f"webhook:{self.link.id}/{device}" if device else f"webhook:{self.link.id}"


def _consent(request: Received) -> Reply:
    """HTTP 1.1 Web Hooks for Event Delivery 1.0.1 §4: whoever shows the token may deliver."""
    origin = request.headers.get("webhook-request-origin")
    if origin is None:
        return Reply(200)
    return Reply(200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "600"})
