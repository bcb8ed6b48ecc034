"""Any presentity as a busy lamp."""

import pytest

from agent.documents import dialog_info
from agent.documents.data_model import Person
from agent.documents.lamplighter import Lamp
from agent.documents.pidf import Presence, Status, Tuple
from agent.documents.rpid import Activities
from agent.presence.calls import dialog_document
from agent.presence.composition import unavailable
from agent.presence.lamp import at_version, lamp_of

ALICE = "sip:alice@example.org"


def person(*elements):
    return Presence(ALICE, persons=(Person("p", elements),))


@pytest.mark.parametrize(
    ("document", "lamp"),
    [
        (person(Activities(("on-the-phone",))), "lit"),
        (person(Activities(("away", "meeting"))), "lit"),
        (person(Activities(("away",))), "dark"),
        (person(Activities(("unknown",))), "dark"),
        (person(), "dark"),
        (person(Activities(("busy",)), Lamp("dark")), "dark"),
        (person(Activities(("away",)), Lamp("blinking")), "blinking"),
        (Presence(ALICE, (Tuple("t", Status("open", (Activities(("busy",)),))),)), "lit"),
        (Presence(ALICE, (Tuple("t", Status("open"), (Activities(("busy",)),)),)), "lit"),
        (unavailable(ALICE), "dark"),
    ],
)
def test_lamp_of(document, lamp):
    assert lamp_of(document) == lamp


@pytest.mark.parametrize(("lamp", "states"), [("dark", []), ("lit", ["confirmed"]), ("blinking", ["early"])])
def test_lamp_document(lamp, states):
    info = dialog_info.parse(at_version(dialog_document(ALICE, (), lamp), 7))
    assert (info.entity, info.version, info.state) == (ALICE, 7, "full")
    assert [dialog.state for dialog in info.dialogs] == states


def test_the_dialog_is_the_same_in_all_versions_and_another_for_another():
    lit, blinking = (
        dialog_info.parse(dialog_document(ALICE, (), lamp)).dialogs[0] for lamp in ("lit", "blinking")
    )
    other = dialog_info.parse(dialog_document("sip:bob@example.org", (), "lit")).dialogs[0]
    assert lit.id == blinking.id != other.id
    assert blinking.direction == "recipient"
