"""Who may watch whom, in force, and what each watcher is shown."""

from functools import lru_cache

from agent.documents import pidf
from agent.presence.authorization import Authorize, DomainPolicy, SubHandling
from agent.presence.calls import dialog_document
from agent.presence.composition import unavailable
from agent.presence.packages import DIALOG_INFO
from agent.presence.records import Subscription
from agent.server.views import NOTHING, View, make_view


class Admission:
    """Asked by the handler of SUBSCRIBE and by the notifier; `reconsider` applies a change to who watches already."""

    def __init__(self, authorize: Authorize | None = None) -> None:
        self._authorize: Authorize = DomainPolicy()
        self._everybody = True
        self.use(authorize or DomainPolicy())
        self.gone: set[str] = set()
        "Presentities that are no more."

    @property
    def authorize(self) -> Authorize:
        return self._authorize

    def use(self, authorize: Authorize) -> None:
        """From now on. `reconsider` applies it to who watches already."""
        self._authorize = authorize
        self._everybody = authorize == DomainPolicy()

    def decide(self, presentity: str, watcher: str) -> SubHandling:
        return self._authorize(presentity, watcher)

    def instead(self, row: Subscription, media_type: str) -> View | None:
        """What this watcher is shown in place of the document; None: the document."""
        if self._everybody and row.state == "active":
            return None  # asked for each NOTIFY
        if row.state == "terminated" and row.presentity in self.gone:
            return _unavailable(row.presentity, media_type)  # so that no lamp stays lit
        if row.state != "active":
            return NOTHING  # it waits for permission, or is told that it has none
        if self._authorize(row.presentity, row.watcher) is SubHandling.POLITE_BLOCK:
            return _unavailable(row.presentity, media_type)
        return None


@lru_cache(maxsize=4096)
def _unavailable(presentity: str, media_type: str) -> View:
    """Byte by byte what those see who may watch somebody that nothing is known of."""
    if media_type == DIALOG_INFO:
        return make_view(media_type, dialog_document(presentity, (), "dark"))
    return make_view(media_type, pidf.build(unavailable(presentity)))
