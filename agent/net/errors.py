"""What goes wrong between us and a peer."""

from agent.sip.events import Failure


class RequestFailed(Exception):
    """A request of ours got no response. ``cause`` tells a silent peer from one that can't be reached."""

    def __init__(self, cause: Failure) -> None:
        super().__init__("no answer" if cause is Failure.TIMEOUT else "cannot be reached")
        self.cause = cause
