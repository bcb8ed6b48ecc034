"""What the phones tell the server about people of ours, as facts: which device is registered, and who is on a call."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from agent.clock import Clock
from agent.presence.calls import CallSeen, busiest_call
from agent.presence.records import Binding, Change
from agent.store.store import Store
from connectors.facts import CallState, CallValue, Fact, ReachState, ReachValue
from rules import Person

_STATES = {
    "confirmed": CallState.TALKING,
    "held": CallState.HELD,
    "early": CallState.RINGING,
    "idle": CallState.IDLE,
}


class PhoneFacts:
    """``take`` and ``forget`` are the decider's. ``people``: key -> (person, address of record); it may change."""

    def __init__(
        self,
        people: Mapping[str, tuple[Person, str]],
        store: Store,
        clock: Clock,
        take: Callable[[Iterable[Fact]], None],
        forget: Callable[[Iterable[str]], None],
    ) -> None:
        self._people = people
        self._store = store
        self._clock = clock
        self._take = take
        self._forget = forget
        self._devices: dict[str, dict[str, Binding]] = {}
        "Address -> device -> its binding, as last told."
        self._calls: dict[str, CallValue] = {}

    def tell_all(self) -> None:
        """What is known already, after a start."""
        for address in {row.address for row in self._store.all_bindings()}:
            self.registered(address)
        for address in {row.presentity for row in self._store.all_publications() if row.package == "dialog"}:
            self.calls_changed(address)

    def registered(self, address: str) -> None:
        """The bindings of an address are others."""
        key = self._key_of(address)
        if key is None:
            return
        now = self._clock.now()
        devices: dict[str, Binding] = {}
        for row in self._store.bindings(address):
            device = device_of(row)
            known = devices.get(device)
            if row.expires_at > now.timestamp() and (known is None or known.expires_at < row.expires_at):
                devices[device] = row
        gone = self._devices.get(address, {}).keys() - devices.keys()
        self._devices[address] = devices
        facts = [
            Fact(
                key,
                f"registrar/{key}/{device}",
                ReachValue(device, ReachState.REGISTERED),
                now,
                datetime.fromtimestamp(row.expires_at, UTC),
            )
            for device, row in devices.items()
        ]
        facts += [
            Fact(key, f"registrar/{key}/{device}", ReachValue(device, ReachState.OFFLINE), now)
            for device in gone
        ]
        self._take(facts)

    def on_changes(self, changes: Sequence[Change]) -> None:
        """The store's change feed."""
        for change in changes:
            if change.package == "dialog":
                self.calls_changed(change.presentity)

    def calls_changed(self, address: str) -> None:
        """The dialogs that phones publish for an address may be others."""
        key = self._key_of(address)
        if key is None:
            return
        now = self._clock.now()
        source = f"dialog/{key}"
        rows = [
            row for row in self._store.publications(address, "dialog") if row.expires_at > now.timestamp()
        ]
        if not rows:
            # Nobody tells any more: that is unknown, not idle.
            self._calls.pop(key, None)
            self._forget([source])
            return
        seen = busiest_call(rows)
        before = self._calls.get(key)
        state = _STATES[seen.state]
        since = before.since if before is not None and before.state is state else self._since(seen, now)
        value = CallValue(state, since, seen.direction)
        self._calls[key] = value
        until = datetime.fromtimestamp(max(row.expires_at for row in rows), UTC)
        self._take([Fact(key, source, value, now, until)])

    @staticmethod
    def _since(seen: CallSeen, now: datetime) -> datetime:
        return min(datetime.fromtimestamp(seen.since, UTC), now)

    def _key_of(self, address: str) -> str | None:
        return next((key for key, (_, own) in self._people.items() if own == address), None)


def device_of(row: Binding) -> str:
    """A name that stays the same when the device has another address: its instance, or else the kind of program."""
    if row.instance:
        return row.instance.strip("<>")
    return row.user_agent or "phone"
