"""What a sequence of events amounts to for each extension."""

import pytest

from connectors.asterisk.codes import command_in
from connectors.asterisk.mapping import hint_of
from connectors.asterisk.session import Snapshot
from connectors.asterisk.switchboard import Seen, Switchboard
from connectors.calls import busiest
from connectors.facts import CallState, ReachState
from tests.connectors.asterisk.ami import channel, device, event, extension, message

A, B = "17.1", "17.2"
HINTS = (extension("1001", 0), extension("1002", 0))
DEVICES = (device("PJSIP/1001", "NOT_INUSE"), device("PJSIP/1002", "NOT_INUSE"))


class Board(Switchboard):
    def __init__(self, *hints: dict[str, str], devices: tuple[dict[str, str], ...] = DEVICES) -> None:
        super().__init__()
        self.now = 1.0
        self.snapshot(hints or HINTS, devices)

    def snapshot(
        self,
        hints: tuple[dict[str, str], ...] = HINTS,
        devices: tuple[dict[str, str], ...] = DEVICES,
        channels: tuple[dict[str, str], ...] = (),
    ) -> None:
        parts = (tuple(map(message, part)) for part in (hints, devices, channels))
        self.replace(Snapshot(*parts, asked_at=self.now))

    def tell(self, *events: dict[str, str]) -> None:
        for each in events:
            self.now += 0.01
            self.event(message(each), self.now)

    def of(self, extension: str) -> Seen:
        key = f"{extension}@internal"
        return self.seen(key, self.hints[key].devices)

    def call(self, extension: str) -> tuple[str, str | None]:
        call = busiest(self.of(extension).calls)
        return call.state.value, call.direction


def calling() -> Board:
    """1001 calls 1002, whose phone rings. The order is that of a capture."""
    board = Board()
    board.tell(
        channel("Newchannel", "1001", "4", A, Exten="1002"),
        channel("Newchannel", "1002", "0", B),
        event("DialBegin"),
        channel("Newstate", "1002", "5", B, ConnectedLineNum="1001"),
        extension("1002", 8),
        device("PJSIP/1002", "RINGING"),
        extension("1001", 1),
        device("PJSIP/1001", "INUSE"),
    )
    return board


def talking() -> Board:
    board = calling()
    board.tell(
        channel("Newstate", "1002", "6", B),
        channel("Newstate", "1001", "6", A),
        channel("BridgeEnter", "1002", "6", B, BridgeUniqueid="b"),
        channel("BridgeEnter", "1001", "6", A, BridgeUniqueid="b"),
        extension("1002", 1),
    )
    return board


def test_a_call_from_the_first_ring_to_the_end() -> None:
    board = calling()
    # Finer than the hint, which calls the caller's line in use already.
    assert board.call("1001") == ("ringing", "out")
    assert board.call("1002") == ("ringing", "in")
    assert board.of("1002").calls[0].remote == "1001"
    board = talking()
    assert board.call("1001") == ("talking", "out")
    assert board.call("1002") == ("talking", "in")
    board.tell(channel("Hangup", "1001", "6", A, Cause="16"), channel("Hangup", "1002", "6", B, Cause="16"))
    assert board.call("1001") == board.call("1002") == ("idle", None)


def test_held_is_the_one_who_pressed_hold_not_the_one_whose_hint_says_so() -> None:
    board = talking()
    board.tell(channel("Hold", "1001", "6", A), extension("1002", 16), device("PJSIP/1002", "ONHOLD"))
    assert board.call("1001") == ("held", "out")
    assert board.call("1002") == ("talking", "in")
    board.tell(channel("Unhold", "1001", "6", A), extension("1002", 1))
    assert board.call("1001") == ("talking", "out")


def test_a_second_call_rings_while_the_first_is_held() -> None:
    board = talking()
    board.tell(channel("Hold", "1002", "6", B), channel("Newchannel", "1002", "0", "17.3"))
    board.tell(channel("Newstate", "1002", "5", "17.3"), extension("1002", 9))
    assert sorted(call.state.value for call in board.of("1002").calls) == ["held", "ringing"]
    assert board.call("1002") == ("held", "in")


def test_busy_at_one_does_not_hide_that_it_rings() -> None:
    """`device_state_busy_at=1`: the hint says busy from the first ring."""
    board = calling()
    board.tell(extension("1002", 2), device("PJSIP/1002", "BUSY"))
    assert board.call("1002") == ("ringing", "in")


def test_a_custom_device_in_the_hint_hides_neither_that_the_phone_is_off_nor_that_nobody_calls() -> None:
    hint = "PJSIP/1001&Custom:DND1001"
    off = (device("PJSIP/1001", "UNAVAILABLE"), device("Custom:DND1001", "NOT_INUSE"))
    board = Board(extension("1001", 0, hint), devices=off)
    assert board.of("1001").reach is ReachState.OFFLINE
    board.tell(extension("1001", 2, hint), device("Custom:DND1001", "BUSY"))
    assert board.call("1001") == ("idle", None)


@pytest.mark.parametrize(
    ("status", "call"),
    [
        (0, "idle"),
        (1, "talking"),
        (2, "talking"),
        (4, "idle"),
        (8, "ringing"),
        (9, "talking"),
        (16, "talking"),
    ],
)
def test_an_extension_without_a_phone_is_what_its_hint_says(status: int, call: str) -> None:
    board = Board(extension("700", status, "Custom:desk"))
    assert board.call("700")[0] == call
    assert board.of("700").reach is None


def test_several_phones_are_there_as_soon_as_one_is() -> None:
    hint = "PJSIP/1001&SIP/1001-mobile"
    board = Board(
        extension("1001", 0, hint),
        devices=(device("PJSIP/1001", "UNAVAILABLE"), device("SIP/1001-mobile", "NOT_INUSE")),
    )
    assert board.of("1001").reach is ReachState.REGISTERED
    board.tell(channel("Newchannel", "1001-mobile", "0", A, Channel="SIP/1001-mobile-00000001"))
    board.tell(channel("Newstate", "1001-mobile", "5", A, Channel="SIP/1001-mobile-00000001"))
    assert board.call("1001") == ("ringing", "in")


def test_without_device_states_the_hint_says_whether_the_phone_is_there() -> None:
    assert Board(extension("1001", 4), devices=()).of("1001").reach is ReachState.OFFLINE
    assert Board(extension("1001", 0), devices=()).of("1001").reach is ReachState.REGISTERED
    unknown = (device("PJSIP/1001", "UNKNOWN"),)
    assert Board(extension("1001", 0), devices=unknown).of("1001").reach is ReachState.REGISTERED


def test_a_lost_hangup_is_healed_by_the_next_snapshot_and_a_newer_call_survives_it() -> None:
    board = talking()
    board.now += 60
    asked_at = board.now
    board.tell(channel("Newchannel", "1002", "0", "17.9"), channel("Newstate", "1002", "5", "17.9"))
    board.replace(Snapshot(tuple(map(message, HINTS)), tuple(map(message, DEVICES)), (), asked_at))
    assert board.call("1001") == ("idle", None)
    assert board.call("1002") == ("ringing", "in")


def test_a_snapshot_in_the_middle_of_a_call_keeps_what_it_does_not_tell() -> None:
    board = talking()
    board.tell(channel("Hold", "1001", "6", A))
    board.now += 60
    shown = {"ChannelState": "6", "BridgeId": "b"}
    board.snapshot(
        channels=(
            event("CoreShowChannel", Channel="PJSIP/1001-00000001", Uniqueid=A, **shown),
            event("CoreShowChannel", Channel="PJSIP/1002-00000002", Uniqueid=B, **shown),
        )
    )
    assert board.call("1001") == ("held", "out")


def test_calls_that_began_before_we_came_are_known_from_the_snapshot() -> None:
    board = Board()
    shown = event("CoreShowChannel", Channel="PJSIP/1001-00000001", Uniqueid=A, ChannelState="6")
    board.snapshot(channels=(shown,))
    assert board.call("1001") == ("talking", None)
    assert board.call("1002") == ("idle", None)


def test_a_device_whose_channels_have_other_names_is_what_its_state_says() -> None:
    board = Board(extension("1001", 0, "Vendor/desk"), devices=(device("Vendor/desk", "NOT_INUSE"),))
    board.tell(device("Vendor/desk", "INUSE"))
    # Perhaps its channel is only a little late.
    assert board.call("1001") == ("idle", None)
    hints = (extension("1001", 1, "Vendor/desk"),)
    board.snapshot(hints, (device("Vendor/desk", "INUSE"),))
    assert board.call("1001") == ("talking", None)
    board.tell(device("Vendor/desk", "NOT_INUSE"))
    assert board.call("1001") == ("idle", None)
    board.tell(device("Vendor/desk", "RINGING"))
    assert board.call("1001") == ("ringing", "in")
    board.tell(channel("Newchannel", "1001", "4", A, Channel="Vendor/desk-1"))
    assert board.call("1001") == ("ringing", "out")


def test_three_in_one_bridge_are_a_conference() -> None:
    board = talking()
    board.tell(
        channel("Newchannel", "1003", "0", "17.3"),
        channel("Newstate", "1003", "6", "17.3"),
        channel("BridgeEnter", "1003", "6", "17.3", BridgeUniqueid="b"),
    )
    assert board.call("1001")[0] == "conference"
    board.tell(channel("BridgeLeave", "1003", "6", "17.3", BridgeUniqueid="b"))
    assert board.call("1001")[0] == "talking"


def test_a_channel_that_is_renamed_is_the_same_call() -> None:
    board = talking()
    renamed = channel("Rename", "1001", "6", A)
    board.tell({**renamed, "Newname": "PJSIP/1002-00000001"})
    assert len(board.of("1001").calls) == 0
    assert len(board.of("1002").calls) == 2


def test_an_extension_in_two_contexts_is_two() -> None:
    board = Board(extension("1001", 0), extension("1001", 4, "SIP/1001", context="demo"))
    assert board.contexts_of("1001") == ["demo", "internal"]


def test_a_hint_that_is_removed_is_gone() -> None:
    board = Board()
    before = board.layout
    board.tell(extension("1001", -2))
    assert "1001@internal" not in board.hints
    assert board.layout > before


def test_a_status_that_is_no_number_and_presence_state_do_no_harm() -> None:
    assert hint_of(message({**extension("1001", 0), "Status": "x"})) is None
    hint = hint_of(message(extension("1001", 0, "PJSIP/1001,CustomPresence:1001")))
    assert hint is not None and hint.devices == ("PJSIP/1001",)


CODES = {"*78": "dnd", "*45.": "lunch {digits}m"}


@pytest.mark.parametrize(("dialled", "words"), [("*78", "dnd"), ("*4530", "lunch 30m"), ("1002", None)])
def test_who_calls_has_dialled_a_code(dialled: str, words: str | None) -> None:
    assert command_in(message(channel("Newchannel", "1001", "4", A, Exten=dialled)), CODES) == words


def test_who_is_called_has_dialled_nothing() -> None:
    assert command_in(message(channel("Newstate", "1001", "5", A, Exten="*78")), CODES) is None


def test_the_dial_plan_can_say_it_in_words() -> None:
    said = event("UserEvent", UserEvent="Lamplighter", Text="lunch 45m", Channel="PJSIP/1001-00000001")
    assert command_in(message(said), {}) == "lunch 45m"
    assert command_in(message({**said, "UserEvent": "Billing"}), {}) is None


def test_the_state_of_nobody_is_of_no_use() -> None:
    board = Board()
    board.tell(channel("Newstate", "1001", "6", "never.heard"))
    assert board.call("1001") == (CallState.IDLE.value, None)
