"""Everything that one Asterisk has told, and what it amounts to for each extension. Pure.

Calls come from the channels of an extension's phones, not from its hint: a hint says nothing of who called whom, calls
the one *held* who was put on hold, turns ringing into *busy* where `device_state_busy_at` is 1, and cannot tell a phone
that is off from an idle one beside a custom device.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.asterisk.mapping import (
    Channel,
    Hint,
    call_of,
    calls_of_device,
    calls_of_status,
    device_of,
    hint_of,
    is_phone,
    new_channel,
    reach_of_states,
    reach_of_status,
)
from connectors.asterisk.session import Snapshot
from connectors.asterisk.wire import Message
from connectors.calls import CallSeen
from connectors.facts import ReachState


@dataclass(frozen=True, slots=True)
class Seen:
    """One extension at one moment."""

    calls: tuple[CallSeen, ...]
    reach: ReachState | None
    "None: not known, or there is no phone."


class Switchboard:
    """``now`` is monotonic seconds."""

    def __init__(self) -> None:
        self.hints: dict[str, Hint] = {}
        "By ``exten@context``."
        self.layout = 0
        "Counts how often extensions or their phones have become others."
        self._devices: dict[str, str] = {}
        "Device → its state."
        self._channels: dict[str, Channel] = {}
        "By Uniqueid: names can change."
        self._opaque: set[str] = set()
        "Devices that have been busy without a channel of theirs: of these their state has to do."

    # -- what comes in -------------------------------------------------------------------------------------------

    def replace(self, snapshot: Snapshot) -> None:
        """Everything anew. Holds and directions are not in a snapshot: those of channels that go on are kept."""
        self.hints = {}
        self.layout += 1
        for message in snapshot.extensions:
            self._hint(message)
        self._devices = {}
        for message in snapshot.devices:
            self._device(message)
        listed = {message.get("uniqueid"): message for message in snapshot.channels}
        for unique in [each for each in self._channels if each not in listed]:
            if self._channels[unique].heard_at < snapshot.asked_at:
                del self._channels[unique]
        for unique, message in listed.items():
            known = self._channels.get(unique)
            if known is None:
                self._channels[unique] = new_channel(message, snapshot.asked_at)
            elif known.heard_at < snapshot.asked_at:
                known.state = message.get("channelstate") or known.state
                known.bridge = message.get("bridgeid")
        with_channel = {channel.device for channel in self._channels.values()}
        busy = {device for device, state in self._devices.items() if calls_of_device(state)}
        self._opaque = (self._opaque | busy) - with_channel

    def event(self, message: Message, now: float) -> set[str]:
        """Take one event. Returns the devices and the extensions about which something may have changed."""
        name = message.event.lower()
        if name == "extensionstatus":
            return self._hint(message)
        if name == "devicestatechange":
            return self._device(message)
        unique = message.get("uniqueid")
        if name == "newchannel":
            self._channels[unique] = new_channel(message, now)
            self._opaque.discard(self._channels[unique].device)
        elif name == "hangup":
            self._channels.pop(unique, None)
        elif unique in self._channels:
            self._change(name, message, self._channels[unique])
            self._channels[unique].heard_at = now
        else:
            return set()
        touched = {device_of(message.get("channel"))}
        if name in ("bridgeenter", "bridgeleave"):
            touched |= {channel.device for channel in self._in_bridge(message.get("bridgeuniqueid"))}
        return touched

    def _change(self, name: str, message: Message, channel: Channel) -> None:
        if name == "newstate":
            channel.state = message.get("channelstate") or channel.state
            channel.remote = message.get("connectedlinenum") or channel.remote
        elif name == "newconnectedline":
            channel.remote = message.get("connectedlinenum") or channel.remote
        elif name in ("hold", "unhold"):
            channel.held = name == "hold"
        elif name == "bridgeenter":
            channel.bridge = message.get("bridgeuniqueid")
        elif name == "bridgeleave":
            channel.bridge = ""
        elif name == "rename":
            channel.name = message.get("newname") or channel.name

    def _hint(self, message: Message) -> set[str]:
        hint = hint_of(message)
        key = f"{message.get('exten')}@{message.get('context')}"
        before = self.hints.pop(key, None)
        if hint is not None and hint.status >= 0:
            self.hints[key] = hint
        else:
            hint = None
        if (before and before.devices) != (hint and hint.devices):
            self.layout += 1
        return {key}

    def _device(self, message: Message) -> set[str]:
        device = message.get("device")
        if is_phone(device):
            self._devices[device] = message.get("state").upper()
        return {device}

    # -- what it amounts to --------------------------------------------------------------------------------------

    def contexts_of(self, extension: str) -> list[str]:
        """In which contexts there is a hint for it."""
        ends = (key.rpartition("@") for key in self.hints)
        return sorted(context for exten, _, context in ends if exten == extension)

    def seen(self, key: str, devices: Iterable[str]) -> Seen:
        """``key``: ``exten@context``, whose hint may be missing. ``devices``: its phones."""
        devices = tuple(devices)
        hint = self.hints.get(key)
        if not devices:
            # No phone to look at: the hint of a custom device, or of something that is no phone at all.
            status = hint.status if hint is not None else 0
            return Seen(tuple(calls_of_status(status)), None)
        states = [self._devices.get(device, "") for device in devices]
        reach = reach_of_states(states)
        if reach is None and hint is not None:
            reach = reach_of_status(hint.status)
        return Seen(tuple(self._calls(devices)), reach)

    def _calls(self, devices: tuple[str, ...]) -> Iterable[CallSeen]:
        for channel in self._channels.values():
            if channel.device in devices:
                call = call_of(channel, len(self._in_bridge(channel.bridge)))
                if call is not None:
                    yield call
        for device in self._opaque.intersection(devices):
            yield from calls_of_device(self._devices.get(device, ""))

    def _in_bridge(self, bridge: str) -> list[Channel]:
        return [channel for channel in self._channels.values() if bridge and channel.bridge == bridge]
