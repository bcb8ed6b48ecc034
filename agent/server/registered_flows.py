"""Over which connections devices have registered (RFC 5626): a lost one ends its binding, and what went over it takes
the device's next one."""

from collections.abc import Callable, Sequence

from agent.net.driver import Driver
from agent.presence.records import Binding, Subscription
from agent.presence.registration import contact_key
from agent.sip.flows import Flow
from agent.store.protocols import BindingStore


class RegisteredFlows:
    """Of this run: a restart closes all connections, and their bindings then last until they expire.

    ``changed(address)`` when a binding of the address has ended.
    """

    def __init__(self, driver: Driver, store: BindingStore, changed: Callable[[str], None]) -> None:
        self._driver = driver
        self._store = store
        self._changed = changed
        self._flows: dict[str, Flow] = {}
        "By binding."
        self._bindings: dict[int, dict[str, Binding]] = {}
        "By connection."

    def note(self, rows: Sequence[Binding], flow: Flow) -> None:
        """These have been registered over this flow."""
        if not flow.connection:
            return
        for row in rows:
            self.forget(row)
            self._flows[row.id] = flow
            self._bindings.setdefault(flow.connection, {})[row.id] = row

    def forget(self, row: Binding) -> None:
        """It is registered no more, or over another flow."""
        before = self._flows.pop(row.id, None)
        if before is not None:
            there = self._bindings.get(before.connection, {})
            there.pop(row.id, None)
            if not there:
                self._bindings.pop(before.connection, None)

    def lost(self, flow: Flow) -> None:
        """A connection is gone, and with it the bindings that were kept to it."""
        gone = self._bindings.pop(flow.connection, {})
        for identity in gone:
            self._flows.pop(identity, None)
        ended = [row for row in gone.values() if row.reg_id is not None]
        for row in ended:
            self._store.remove_binding(row.id)
        if ended:
            addresses = dict.fromkeys(row.address for row in ended)
            self._store.commit().add_done_callback(
                lambda done: (
                    [self._changed(address) for address in addresses]
                    if not done.cancelled() and done.exception() is None
                    else None
                )
            )

    def other_flow(self, row: Subscription) -> Flow | None:
        """An open connection over which the same contact of the watcher is registered, in place of a lost one."""
        try:
            wanted = contact_key(row.remote_target)
        except ValueError:
            return None
        for binding in self._store.bindings(row.watcher):
            flow = self._flows.get(binding.id)
            if flow is not None and self._driver.is_open(flow) and contact_key(binding.contact) == wanted:
                return flow
        return None
