"""What PBXs really notify, evened out: each row of what was measured, and each rule that follows from it."""

from datetime import timedelta

import pytest

from agent.notices import NoticeReader
from agent.sip.headers import Headers
from agent.sip.messages import Request
from agent.sip.notification import Notification
from connectors.sip import Dialog, Notice, Presence
from tests.agent.pbx_documents import (
    ASTERISK_HELD,
    ASTERISK_IDLE,
    ASTERISK_IN_USE,
    ASTERISK_RINGING,
    asterisk_pidf,
    freeswitch,
    info,
    kamailio,
)
from tests.support.clock import MONDAY_NINE

DIALOG_INFO = "application/dialog-info+xml"
FREESWITCH = "FreeSWITCH-mod_sofia/1.10.12-release~64bit"
REMOTE = "sip:2002@pbx.example"


class Told:
    """One subscription's NOTIFYs, read one after the other."""

    def __init__(self, event: str = "dialog", agent: str = "Some PBX", one_each: bool | None = None) -> None:
        self.reader = NoticeReader(event, one_each)
        self.agent, self.call_id = agent, "first"
        self.now = MONDAY_NINE

    def __call__(self, body: str, content_type: str | None = DIALOG_INFO) -> Notice:
        headers = Headers([("Call-ID", self.call_id), ("User-Agent", self.agent)])
        request = Request("NOTIFY", "sip:watcher@192.0.2.1", headers)
        encoded = body.encode()
        notification = Notification("active", 600, None, None, content_type if body else None, encoded)
        return self.reader.read(notification, request, self.now)


def test_asterisk_idle_ringing_talking_held_and_idle_again() -> None:
    told = Told(agent="Asterisk PBX 22.10.1")
    assert told(info(ASTERISK_IDLE)).dialogs == ()
    assert told(info(ASTERISK_RINGING, version=1)).dialogs == (Dialog("early", "in", remote=REMOTE),)
    # It leaves out who and which way once the call stands; the id is still the extension's.
    (talking,) = told(info(ASTERISK_IN_USE, version=2)).dialogs or ()
    assert (talking.state, talking.held) == ("confirmed", False)
    (held,) = told(info(ASTERISK_HELD, version=3)).dialogs or ()
    assert held.held
    (talking,) = told(info(ASTERISK_IN_USE, version=4)).dialogs or ()
    assert not talking.held
    assert told(info(ASTERISK_IDLE, version=5)).dialogs == ()


def test_asterisk_says_of_a_caller_only_that_the_line_is_in_use() -> None:
    told = Told()
    told(info(ASTERISK_IDLE))
    assert told(info(ASTERISK_IN_USE, version=1)).dialogs == (Dialog("confirmed"),)


def test_kamailio_capital_trying_then_early_then_confirmed() -> None:
    told = Told()
    assert told("").dialogs == ()
    states = [
        told(info(kamailio(state, direction="initiator"), version=version)).dialogs
        for version, state in enumerate(("Trying", "early", "confirmed"), 2)
    ]
    assert states == [(Dialog(state, "out", remote=REMOTE),) for state in ("trying", "early", "confirmed")]


def test_kamailio_an_empty_notify_is_nobody_calling_and_no_error() -> None:
    told = Told()
    notice = told("")
    assert (notice.dialogs, notice.problem, notice.content_type) == ((), None, None)


def test_kamailio_two_calls_and_those_that_are_over_do_not_count() -> None:
    told = Told()
    both = told(info(kamailio("early", 2), kamailio("confirmed", 1), version=6)).dialogs or ()
    assert sorted(dialog.state for dialog in both) == ["confirmed", "early"]
    after = told(info(kamailio("terminated", 2), kamailio("confirmed", 1), version=7)).dialogs or ()
    assert [dialog.state for dialog in after] == ["confirmed"]
    assert told(info(kamailio("terminated", 1), kamailio("terminated", 2), version=8)).dialogs == ()
    assert told(info(kamailio("early", 3), kamailio("terminated", 1), version=9)).dialogs == (
        Dialog("early", "in", remote=REMOTE),
    )


def test_kamailio_hold_is_invisible() -> None:
    told = Told()
    talking = told(info(kamailio("confirmed"), version=4)).dialogs
    assert told(info(kamailio("confirmed"), version=5)).dialogs == talking


def test_freeswitch_each_channel_comes_in_a_document_that_calls_itself_full() -> None:
    told = Told(agent=FREESWITCH)
    assert told(info()).dialogs == ()
    told(info(freeswitch("confirmed", "a"), version=1))
    both = told(info(freeswitch("early", "b"), version=2)).dialogs or ()
    assert sorted(dialog.state for dialog in both) == ["confirmed", "early"]
    left = told(info(freeswitch("terminated", "a"), version=3)).dialogs or ()
    assert [dialog.state for dialog in left] == ["early"]
    assert told(info(freeswitch("terminated", "b"), version=4)).dialogs == ()


def test_freeswitch_a_ring_that_is_never_taken_back_is_over_after_a_while() -> None:
    told = Told(agent=FREESWITCH)
    told(info(freeswitch("early", "ghost"), version=1))
    told(info(freeswitch("confirmed", "long"), version=2))
    told.now += timedelta(minutes=6)
    left = told(info(freeswitch("early", "new"), version=3)).dialogs or ()
    assert sorted(dialog.state for dialog in left) == ["confirmed", "early"]


def test_freeswitch_a_document_without_dialogs_is_the_full_state() -> None:
    told = Told(agent=FREESWITCH)
    told(info(freeswitch("confirmed", "a"), version=1))
    assert told(info(version=2)).dialogs == ()


def test_the_quirk_can_be_set_and_unset_by_hand() -> None:
    by_hand = Told(agent="A proxy in front", one_each=True)
    by_hand(info(freeswitch("confirmed", "a"), version=1))
    assert len(by_hand(info(freeswitch("early", "b"), version=2)).dialogs or ()) == 2
    unset = Told(agent=FREESWITCH, one_each=False)
    unset(info(freeswitch("confirmed", "a"), version=1))
    assert len(unset(info(freeswitch("early", "b"), version=2)).dialogs or ()) == 1


def test_freeswitch_a_held_call_is_early_and_renders_nothing() -> None:
    (held,) = Told(agent=FREESWITCH)(info(freeswitch("early", rendering="no"))).dialogs or ()
    assert held.held


def test_a_state_with_spaces_and_capitals_is_read() -> None:
    (dialog,) = Told()(info('<dialog id="1"><state>\n CONFIRMED </state></dialog>')).dialogs or ()
    assert dialog.state == "confirmed"


def test_a_state_that_nobody_knows_is_a_call_and_is_told() -> None:
    notice = Told()(info('<dialog id="1"><state>parked</state></dialog>'))
    assert notice.dialogs == (Dialog("confirmed"),)
    assert notice.problem is not None


def test_parts_are_put_together_and_a_missing_one_is_asked_for() -> None:
    told = Told()
    told(info(kamailio("confirmed", 1), version=0))
    both = told(info(kamailio("early", 2), version=1, state="partial")).dialogs or ()
    assert len(both) == 2
    assert told(info(kamailio("confirmed", 2), version=3, state="partial")).dialogs is None
    assert told.reader.wants_full
    assert len(told(info(kamailio("confirmed", 2), version=4)).dialogs or ()) == 1
    assert not told.reader.wants_full


def test_a_restarted_server_may_count_from_0_and_a_new_dialog_does() -> None:
    told = Told()
    told(info(ASTERISK_IN_USE, version=41))
    assert told(info(ASTERISK_IDLE, version=0)).dialogs == ()
    told(info(ASTERISK_IN_USE, version=42))
    told.call_id = "second"
    assert told(info(ASTERISK_IDLE, version=3)).dialogs == ()


@pytest.mark.parametrize("body", ["<dialog-info", "not XML at all", "<presence xmlns='x'/>"])
def test_what_is_no_document_is_named(body: str) -> None:
    notice = Told()(body)
    assert notice.dialogs is None
    assert notice.problem is not None


@pytest.mark.parametrize(
    ("note", "basic", "activity"),
    [
        ("Ready", "open", ""),
        ("Ringing", "open", "on-the-phone"),
        ("On the phone", "open", "on-the-phone"),
        ("On hold", "open", "on-the-phone"),
        ("Unavailable", "closed", ""),
    ],
)
def test_asterisk_presence(note: str, basic: str, activity: str) -> None:
    notice = Told("presence")(asterisk_pidf(note, basic, activity), "application/pidf+xml")
    assert notice.presence == Presence(basic, (note,), (activity,) if activity else ())
    assert notice.dialogs is None


def test_a_conference_is_known_by_its_focus() -> None:
    dialog = (
        '<dialog id="1"><state>confirmed</state><local><target uri="sip:room@pbx.example">'
        '<param pname="isfocus" pval="true"/></target></local></dialog>'
    )
    (seen,) = Told()(info(dialog)).dialogs or ()
    assert seen.focus
