"""One connection to the manager: sign in, ask for everything, listen, notice when it has died. Pure.

The shell gives it what it has read, and the time; it says what to write, what happened, and until when to wait at most.
"""

import hashlib
from dataclasses import dataclass

from connectors.asterisk.wire import Framer, Message, action
from connectors.errors import AuthFailed, BadData, Forbidden
from connectors.liveness import Due, Liveness

LISTS = ("ExtensionStateList", "DeviceStateList", "CoreShowChannels")
"What a snapshot consists of, asked for one after the other."
_ITEMS = {"extensionstatus": 0, "devicestatechange": 1, "coreshowchannel": 2}
EVENTS = "call,user"
"The classes of events that are wanted: all else is noise, and some of it private."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that holds at one moment."""

    extensions: tuple[Message, ...]
    devices: tuple[Message, ...]
    channels: tuple[Message, ...]
    asked_at: float
    "Monotonic; what was heard of since may be newer than the snapshot."


class Session:
    """``now`` is monotonic seconds."""

    def __init__(
        self, user: str, secret: str, now: float, *, ping_after: float, snapshot_every: float
    ) -> None:
        self._user, self._secret = user, secret
        self._life = Liveness("Asterisk", ping_after, snapshot_every, now)
        self._framer = Framer()
        self._out = bytearray()
        self._serial = 0
        self._signed_in = False
        self._expected: dict[str, str] = {}
        "ActionID → action, of those not answered yet."
        self._lists: tuple[list[Message], ...] = ([], [], [])

    def output(self) -> bytes:
        """What to write now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def deadline(self) -> float:
        """Call `tick` then, if nothing is read before."""
        return self._life.deadline()

    def tick(self, now: float) -> None:
        """Time has passed. Raises `Unreachable` when the other side shows no sign of life."""
        for due in self._life.due(now):
            if due is Due.SNAPSHOT:
                self._ask()
            elif self._signed_in:
                self._send("Ping")

    def ask_within(self, seconds: float, now: float) -> None:
        """For everything, sooner than it would be otherwise."""
        self._life.ask_within(seconds, now)

    def receive(self, data: bytes, now: float) -> list[Message | Snapshot]:
        """Events in order, and snapshots when they are complete. Raises ConnectorError."""
        self._life.heard(now)
        happened: list[Message | Snapshot] = []
        messages = self._framer.feed(data)
        if not self._serial and self._framer.greeted:
            # The secret itself never travels, not even where there is no TLS.
            self._send("Challenge", [("AuthType", "MD5")])
        for message in messages:
            if message.response:
                self._answered(message, now)
                continue
            found = self._take(message, now)
            if found is not None:
                happened.append(found)
        return happened

    def _take(self, message: Message, now: float) -> Message | Snapshot | None:
        asked = self._expected.get(message.get("actionid"))
        if asked not in LISTS:
            return message
        index = LISTS.index(asked)
        if message.get("eventlist").lower() != "complete":
            if _ITEMS.get(message.event.lower()) == index:
                self._lists[index].append(message)
            return None
        del self._expected[message.get("actionid")]
        return self._listed(index, now)

    def _listed(self, index: int, now: float) -> Snapshot | None:
        if index + 1 < len(LISTS):
            self._send(LISTS[index + 1])
            return None
        self._life.complete(now)
        extensions, devices, channels = self._lists
        return Snapshot(tuple(extensions), tuple(devices), tuple(channels), self._life.asked_at)

    def _answered(self, message: Message, now: float) -> None:
        action_id = message.get("actionid")
        asked = self._expected.get(action_id)
        if asked is None:
            return
        failed = message.response.lower() == "error"
        if asked not in LISTS or failed:
            del self._expected[action_id]
        if asked == "Challenge":
            if failed or not message.get("challenge"):
                raise Forbidden(
                    f"the manager lets nobody sign in ({message.get('message') or 'no challenge'})",
                    advice="Check its access lists (permit, deny) and authlimit in manager.conf.",
                )
            key = hashlib.md5((message.get("challenge") + self._secret).encode(), usedforsecurity=False)
            signed = [("AuthType", "MD5"), ("Username", self._user), ("Key", key.hexdigest())]
            self._send("Login", [*signed, ("Events", EVENTS)])
        elif asked == "Login":
            if failed:
                raise AuthFailed(
                    f"the manager does not accept the user {self._user} or its secret",
                    advice="Check user and secret, and that manager.conf permits our address.",
                )
            self._signed_in = True
            self._life.asked(now)
            self._ask()
        elif asked in LISTS and failed:
            if "permission" in message.get("message").lower():
                raise Forbidden(
                    f"the manager user {self._user} may not use {asked}",
                    advice="It needs `read = call` and `write = reporting` in manager.conf.",
                )
            if self._signed_in and LISTS.index(asked) == 0 and "unknown" in message.get("message").lower():
                raise BadData(f"this Asterisk does not know {asked}")
            self._listed(LISTS.index(asked), now)

    def _ask(self) -> None:
        self._lists = ([], [], [])
        self._send(LISTS[0])

    def _send(self, name: str, fields: list[tuple[str, str]] | None = None) -> None:
        self._serial += 1
        action_id = f"lamplighter-{self._serial}"
        self._expected[action_id] = name
        self._out += action(name, action_id, fields or [])
