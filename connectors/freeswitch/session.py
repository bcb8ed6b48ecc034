"""One connection to the event socket: sign in, ask for everything, listen, notice when it has died. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.errors import AuthFailed, BadData, Forbidden, Unreachable
from connectors.freeswitch.wire import Event, Frame, Framer, command, event_of
from connectors.liveness import Due, Liveness

EVENTS = (
    "event plain CHANNEL_CREATE CHANNEL_CALLSTATE CHANNEL_HOLD CHANNEL_UNHOLD CALL_UPDATE CHANNEL_HANGUP"
    " CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY HEARTBEAT CUSTOM sofia::register sofia::unregister sofia::expire"
)
"CUSTOM comes last: what follows it are its subclasses."
CHANNELS = "api show channels as json"
PING = "api uptime"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that holds at one moment, as FreeSWITCH wrote it."""

    channels: str
    "JSON."
    registrations: tuple[str, ...]
    "One text for each profile."
    asked_at: float


class Session:
    """``now`` is monotonic seconds. Satisfies `connectors.connection.Session`."""

    def __init__(
        self,
        password: str,
        profiles: Sequence[str],
        now: float,
        *,
        ping_after: float,
        snapshot_every: float,
    ) -> None:
        self._password, self._profiles = password, tuple(profiles)
        self._life = Liveness("FreeSWITCH", ping_after, snapshot_every, now)
        self._framer = Framer()
        self._out = bytearray()
        self._waiting: deque[str] = deque()
        "Commands that have not been answered: the answers come in the same order."
        self._signed_in = False
        self._channels = ""
        self._registrations: list[str] = []
        "Of the snapshot that is under way."

    def output(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def deadline(self) -> float:
        return self._life.deadline()

    def tick(self, now: float) -> None:
        for due in self._life.due(now):
            if due is Due.SNAPSHOT:
                self._ask()
            elif self._signed_in:
                self._send(PING)

    def receive(self, data: bytes, now: float) -> list[Event | Snapshot]:
        self._life.heard(now)
        happened: list[Event | Snapshot] = []
        for frame in self._framer.feed(data):
            found = self._take(frame, now)
            if found is not None:
                happened.append(found)
        return happened

    def _take(self, frame: Frame, now: float) -> Event | Snapshot | None:
        kind = frame.content_type
        if kind == "text/event-plain":
            return event_of(frame)
        if kind == "auth/request":
            self._send(f"auth {self._password}", "auth")
        elif kind == "text/rude-rejection":
            raise Forbidden(
                "FreeSWITCH lets our address not connect to its event socket",
                advice="Allow it in apply-inbound-acl of event_socket.conf.xml.",
            )
        elif kind == "text/disconnect-notice":
            raise Unreachable("FreeSWITCH ended the connection; it may be shutting down")
        elif kind in ("command/reply", "api/response"):
            return self._answered(frame, now)
        return None  # log lines and the like

    def _answered(self, frame: Frame, now: float) -> Snapshot | None:
        asked = self._waiting.popleft() if self._waiting else ""
        if asked == "auth":
            if not frame.reply.startswith("+OK"):
                raise AuthFailed(
                    "FreeSWITCH does not accept the password of its event socket",
                    advice="It stands in event_socket.conf.xml.",
                )
            self._signed_in = True
            self._send(EVENTS)
            self._life.asked(now)
            self._ask()
        elif asked == EVENTS:
            if not frame.reply.startswith("+OK"):
                raise BadData(f"FreeSWITCH does not tell its events ({frame.reply or 'no reason given'})")
        elif asked == CHANNELS:
            if frame.body.lstrip().startswith("-ERR"):
                raise BadData("FreeSWITCH does not list its channels")
            self._channels = frame.body
            if not self._profiles:
                return self._complete(now)
        elif asked.startswith("api sofia "):
            self._registrations.append(frame.body)
            if len(self._registrations) == len(self._profiles):
                return self._complete(now)
        return None

    def _complete(self, now: float) -> Snapshot:
        self._life.complete(now)
        return Snapshot(self._channels, tuple(self._registrations), self._life.asked_at)

    def _ask(self) -> None:
        self._channels, self._registrations = "", []
        self._send(CHANNELS)
        for profile in self._profiles:
            self._send(f"api sofia status profile {profile} reg")

    def _send(self, text: str, called: str | None = None) -> None:
        """``called``: what is kept of it, for what holds a secret."""
        self._waiting.append(called or text)
        self._out += command(text)
