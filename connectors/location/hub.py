"""What all links of one location entry share: who is meant by which name, and the answer that the app wants."""

import logging
from collections.abc import Callable, Iterable

from connectors.attached import Attached
from connectors.base import Context, Entry
from connectors.directory import Directory
from connectors.errors import BadData
from connectors.ingress import Received, Reply
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.location.settings import LocationSettings
from connectors.reception import Reception
from connectors.strangers import Strangers

log = logging.getLogger(__name__)


class LocationHub:
    """Derive: ``understand``, ``answer``, and ``reception``. A `connectors.base.Hub`."""

    reception = Reception(methods=("POST", "GET"), secret_opens=True)
    answer = Reply(200, b"")
    "What makes the app take the message off its queue."

    def __init__(self, entry: Entry, settings: LocationSettings, context: Context) -> None:
        self.entry, self.settings, self.context = entry, settings, context
        self.directory: Directory[Attached] = Directory()
        self._strangers = Strangers(entry.key)

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        """``secret``: of the person with one of these names, for what is encrypted. Raises BadData for what the app
        would never send; then the answer is the same, or the app would send it for ever."""
        raise NotImplementedError

    async def receive(self, request: Received) -> Reply:
        try:
            for told in self.understand(request, lambda names: self._secret(request.person, names)):
                self.tell(told, request.person)
        except BadData as error:
            # Neither the request nor what is in it: it may have a position.
            log.debug("%s: %s", self.entry.key, error.what)
        return self.answer

    def tell(self, told: Told, person: str | None = None) -> None:
        """Hand reports to whom they concern; of others nothing is kept. ``person``: whom the token speaks for."""
        one = self._find(person, told.names)
        if one is None:
            self._strangers.seen()
        else:
            one.hear(told.reports)

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _find(self, person: str | None, names: Iterable[str]) -> LocationLink | None:
        for name in (person,) if person is not None else names:
            found = self.directory.find(name)
            if isinstance(found, LocationLink):
                return found
        return None

    def _secret(self, person: str | None, names: Iterable[str]) -> str | None:
        one = self._find(person, names)
        return one.secret if one is not None else None
