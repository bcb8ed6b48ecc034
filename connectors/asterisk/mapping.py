"""What single messages of the manager mean. Pure."""

from dataclasses import dataclass, field

from connectors.asterisk.wire import Message
from connectors.calls import CallSeen
from connectors.facts import CallState, ReachState

VIRTUAL = frozenset({"custom", "confbridge", "meetme", "park", "queue", "local", "calendar", "mwi", "stasis"})
"Kinds of device that are no phone."
GONE = frozenset({"UNAVAILABLE", "INVALID"})
CALLING, RINGING, UP = frozenset({"3", "4", "8"}), frozenset({"5", "9"}), "6"
"Channel states: we call, we are called, we talk. The others are no call yet, or none any more."
CONFERENCE_FROM = 3
"So many in one bridge are a conference."

# Bits of an extension's state: 1 in use, 2 busy, 4 unavailable, 8 ringing, 16 on hold.
_IN_USE, _BUSY, _UNAVAILABLE, _RINGING, _HOLD = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True)
class Hint:
    """What an extension's hint watches."""

    devices: tuple[str, ...]
    "Phones: ``PJSIP/1001``."
    status: int
    "Bits; negative: the extension or its hint is gone."


def hint_of(message: Message) -> Hint | None:
    """From an ExtensionStatus. None: its status is no number."""
    try:
        status = int(message.get("status"))
    except ValueError:
        return None
    # What follows a comma is presence state, which is no device.
    names = message.get("hint").partition(",")[0].split("&")
    return Hint(tuple(name.strip() for name in names if is_phone(name)), status)


def is_phone(device: str) -> bool:
    kind, slash, _ = device.strip().partition("/")
    return bool(slash) and kind.partition(":")[0].lower() not in VIRTUAL


def device_of(channel: str) -> str:
    """``PJSIP/1001-0000002a`` → ``PJSIP/1001``."""
    return channel.rpartition("-")[0]


@dataclass(slots=True)
class Channel:
    """One leg of a call."""

    name: str
    state: str
    direction: str | None = None
    "As the phone sees it: `in` or `out`."
    remote: str | None = None
    held: bool = False
    "The phone itself pressed hold."
    bridge: str = ""
    heard_at: float = field(default=0.0, compare=False)
    "Monotonic, when it was last told of."

    @property
    def device(self) -> str:
        return device_of(self.name)


def new_channel(message: Message, now: float) -> Channel:
    """From a Newchannel, or from an item of CoreShowChannels."""
    state = message.get("channelstate")
    channel = Channel(message.get("channel"), state, heard_at=now)
    if message.event.lower() == "newchannel":
        # A phone that calls begins by ringing its PBX; one that is called begins with nothing.
        channel.direction = "out" if state in CALLING else "in"
    elif state in CALLING:
        channel.direction = "out"
    elif state in RINGING:
        channel.direction = "in"
    channel.remote = message.get("connectedlinenum") or None
    channel.bridge = message.get("bridgeid")
    return channel


def call_of(channel: Channel, in_bridge: int) -> CallSeen | None:
    """None: it is no call. ``in_bridge``: how many channels are in its bridge."""
    if channel.state in CALLING or channel.state in RINGING:
        state = CallState.RINGING
    elif channel.state != UP:
        return None
    elif channel.held:
        state = CallState.HELD
    else:
        state = CallState.CONFERENCE if in_bridge >= CONFERENCE_FROM else CallState.TALKING
    return CallSeen(state, channel.direction, channel.remote)


def calls_of_status(status: int) -> list[CallSeen]:
    """What a hint says of calls where no phone can be looked at.

    *On hold* is told of the one who **was put** on hold, who still is in a call.
    """
    calls = []
    if status > 0 and status & (_IN_USE | _BUSY | _HOLD):
        calls.append(CallSeen(CallState.TALKING))
    if status > 0 and status & _RINGING:
        calls.append(CallSeen(CallState.RINGING, "in"))
    return calls


_STATUS_OF = {"INUSE": 1, "BUSY": 2, "RINGING": 8, "RINGINUSE": 9, "ONHOLD": 16}


def calls_of_device(state: str) -> list[CallSeen]:
    """The same for the state of a device whose channels cannot be told from others'."""
    return calls_of_status(_STATUS_OF.get(state, 0))


def reach_of_states(states: list[str]) -> ReachState | None:
    """Of all phones of an extension: there as soon as one is. None: nothing is known."""
    known = [state for state in states if state and state != "UNKNOWN"]
    if not known:
        return None
    return ReachState.OFFLINE if all(state in GONE for state in known) else ReachState.REGISTERED


def reach_of_status(status: int) -> ReachState:
    return ReachState.OFFLINE if status > 0 and status & _UNAVAILABLE else ReachState.REGISTERED
