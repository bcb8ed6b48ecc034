"""What a sequence of events amounts to for each extension."""

import json

import pytest

from connectors.calls import busiest
from connectors.errors import BadData
from connectors.facts import ReachState
from connectors.freeswitch.session import Snapshot
from connectors.freeswitch.switchboard import Switchboard
from tests.connectors.freeswitch.esl import (
    DOMAIN,
    callstate,
    event,
    of_channel,
    read,
    register,
    registrations,
    row,
)

A, B = "uuid-a", "uuid-b"


class Board(Switchboard):
    def __init__(self, *registered: str, rows: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(True)
        self.now = 1.0
        self.snapshot(*registered, rows=rows)

    def snapshot(self, *registered: str, rows: tuple[dict[str, str], ...] = (), at: float = 0.0) -> None:
        listed = json.dumps({"row_count": len(rows), "rows": list(rows)} if rows else {"row_count": 0})
        self.replace(Snapshot(listed, (registrations(*registered),), at or self.now))

    def tell(self, *events: dict[str, str]) -> None:
        for each in events:
            self.now += 0.01
            self.event(read(each), self.now)

    def call(self, user: str) -> tuple[str, str | None]:
        call = busiest(self.seen([f"{user}@{DOMAIN}"]).calls)
        return call.state.value, call.direction

    def reach(self, user: str) -> ReachState | None:
        return self.seen([f"{user}@{DOMAIN}"]).reach


def calling() -> Board:
    board = Board("1001", "1002")
    board.tell(
        of_channel("CHANNEL_CREATE", "1001", A, "DOWN"),
        callstate("1001", "RINGING", A),
        of_channel("CHANNEL_CREATE", "1002", B, "DOWN", way="outbound"),
        callstate("1002", "RINGING", B, "outbound"),
    )
    return board


def talking() -> Board:
    board = calling()
    board.tell(callstate("1002", "ACTIVE", B, "outbound"), callstate("1001", "ACTIVE", A))
    return board


def test_inbound_is_from_the_phone_to_the_switch() -> None:
    board = calling()
    assert board.call("1001") == ("ringing", "out")
    assert board.call("1002") == ("ringing", "in")
    (out,), (called,) = (board.seen([f"{user}@{DOMAIN}"]).calls for user in ("1001", "1002"))
    assert (out.remote, called.remote) == ("1002", "4711")


def test_a_call_with_hold() -> None:
    board = talking()
    assert board.call("1001") == ("talking", "out")
    board.tell(callstate("1001", "HELD", A), of_channel("CHANNEL_HOLD", "1001", A, "HELD"))
    assert (board.call("1001")[0], board.call("1002")[0]) == ("held", "talking")
    board.tell(of_channel("CHANNEL_UNHOLD", "1001", A, "HELD"), callstate("1001", "UNHELD", A))
    assert board.call("1001") == ("talking", "out")


@pytest.mark.parametrize(
    "end",
    [
        callstate("1001", "HANGUP", A),
        of_channel("CHANNEL_HANGUP", "1001", A),
        of_channel("CHANNEL_HANGUP_COMPLETE", "1001", A),
        of_channel("CHANNEL_DESTROY", "1001", A),
    ],
)
def test_any_of_the_ends_ends_a_call_and_what_straggles_does_not_begin_it_again(end: dict[str, str]) -> None:
    board = talking()
    board.tell(end)
    assert board.call("1001") == ("idle", None)
    board.tell(of_channel("CHANNEL_UNHOLD", "1001", A), of_channel("CHANNEL_DESTROY", "1001", A))
    assert board.call("1001") == ("idle", None)
    assert board.call("1002")[0] == "talking"


def test_a_lost_hangup_is_healed_by_the_next_snapshot_and_a_newer_call_survives_it() -> None:
    board = talking()
    asked_at = board.now + 1
    board.now = asked_at + 1
    board.tell(callstate("1002", "RINGING", "uuid-c", "outbound"))
    board.snapshot("1001", "1002", at=asked_at)
    assert board.call("1001") == ("idle", None)
    assert board.call("1002") == ("ringing", "in")


def test_calls_that_began_before_we_came() -> None:
    board = Board("1001", rows=(row("1001", "ACTIVE", A), row("1002", "HELD", B, "outbound")))
    assert board.call("1001") == ("talking", "out")
    assert board.call("1002") == ("held", "in")


def test_registrations_come_and_go() -> None:
    board = Board("1001")
    assert (board.reach("1001"), board.reach("1002")) == (ReachState.REGISTERED, ReachState.OFFLINE)
    board.tell(register("1002"), register("1001", "sofia::expire"))
    assert (board.reach("1001"), board.reach("1002")) == (ReachState.OFFLINE, ReachState.REGISTERED)
    board.tell(register("1002", "sofia::unregister"))
    assert board.reach("1002") is ReachState.OFFLINE


def test_a_phone_is_known_by_the_realm_that_it_signed_in_at_too() -> None:
    board = Board("1001")
    assert board.seen(["1001@switch.example"]).reach is ReachState.REGISTERED


def test_the_same_number_at_two_tenants_is_two_phones() -> None:
    other = "1001@tenant.example"
    board = Board(rows=({**row("1001", "ACTIVE", A), "presence_id": other},))
    assert board.call("1001") == ("idle", None)
    assert board.seen([other]).calls
    board.tell(register("1001"))
    assert set(board.domains_of("1001")) >= {DOMAIN, "tenant.example"}


def test_what_is_no_call_of_a_phone_does_no_harm() -> None:
    board = Board("1001")
    board.tell(
        event("HEARTBEAT"),
        event("PRESENCE_IN", proto="dp", status="dnd") | {"from": f"1001@{DOMAIN}"},
        event("CUSTOM", Event_Subclass="conference::maintenance"),
        {**callstate("1001", "ACTIVE", A), "Channel-Presence-ID": ""},
    )
    assert board.call("1001") == ("idle", None)


def test_identities_ignore_case() -> None:
    board = Board()
    board.tell({**callstate("1001", "ACTIVE", A), "Channel-Presence-ID": f"1001@{DOMAIN.upper()}"})
    assert board.call("1001") == ("talking", "out")


@pytest.mark.parametrize("text", ["", "-ERR no", "[]", '{"rows": [{}]}', '{"rows": 3}'])
def test_a_list_of_channels_that_is_none_is_bad_data(text: str) -> None:
    with pytest.raises(BadData):
        Switchboard(True).replace(Snapshot(text, (), 1.0))


def test_nothing_is_said_of_registrations_when_nobody_asks_for_them() -> None:
    board = Switchboard(False)
    board.replace(Snapshot('{"row_count": 0}', (), 1.0))
    assert board.seen([f"1001@{DOMAIN}"]).reach is None
