"""Golden documents: what watchers get, byte by byte, for every shipped state and for some whole situations.

After a wanted change write them anew with `python -m tests.agent.publisher.test_golden` and read the diff.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from agent.documents import pidf
from agent.presence.calls import dialog_document
from agent.presence.composition import Input, compose, simple_view, unavailable
from agent.presence.lamp import at_version
from agent.publisher.compose import presence_document, publish_body
from rules.decision import Basic, Coming, Decision, DeviceUse, Extension, Lamp, Note
from rules.shipped import pack_text
from tests.agent.documents.frame import assert_valid

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALICE = "sip:alice@example.org"

SOFTPHONE = b"""<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
  xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:x="urn:example:x" entity="pres:alice@example.org">
  <tuple id="432sd"><status><basic>open</basic><x:online/></status>
    <dm:deviceID>urn:uuid:0d4ba6a0-0000-4000-8000-000000000001</dm:deviceID>
    <contact priority="0.8">sip:alice@192.0.2.7:5062;transport=tcp</contact></tuple>
  <dm:person id="p1"><r:mood><r:happy/></r:mood><r:user-input>active</r:user-input></dm:person>
  <dm:device id="pc"><r:user-input>active</r:user-input>
    <dm:deviceID>urn:uuid:0d4ba6a0-0000-4000-8000-000000000001</dm:deviceID></dm:device>
</presence>"""

EVERYTHING = Decision(
    person="alice",
    state="in-a-meeting",
    basic=Basic.CLOSED,
    activities=("meeting", "busy"),
    moods=("happy",),
    notes=(Note("In a meeting until 11:00", "en"), Note("In einer Besprechung bis 11:00", "de")),
    place="Main building",
    place_types=("office",),
    sphere="work",
    lamp=Lamp.LIT,
    importance="high",
    until=NOW + HOUR,
    devices=(
        DeviceUse("desk phone", False, NOW - 10 * HOUR, True),
        DeviceUse("laptop", True, NOW, True),
        DeviceUse("mobile", None, None, False),
    ),
    extensions=(Extension("urn:example:org", "room", "4.12 & roof", (("floor", "4"),)),),
    coming=(Coming(NOW + HOUR, None, "available", Basic.OPEN, (Note("Free again"),)),),
)


def shipped_states():
    """Every state of the shipped pack as the decision that shows it."""
    for name, state in yaml.safe_load(pack_text("states"))["states"].items():
        basic = state.get("basic")
        yield (
            name,
            Decision(
                person="alice",
                state=name,
                basic=None if basic is None else Basic(basic),
                activities=tuple(state.get("activities", ())),
                notes=(Note(state["note"]),) if "note" in state else (),
                lamp=Lamp(state.get("lamp", "dark")),
                importance=state.get("importance"),
            ),
        )


def situations():
    """File name -> bytes."""
    for name, decision in shipped_states():
        yield f"state-{name}.xml", publish_body(decision, ALICE, NOW)
    rules = presence_document(EVERYTHING, ALICE, None, NOW, NOW - HOUR)
    yield "everything.xml", pidf.build(rules)
    inputs = [
        Input("1-softphone", pidf.parse(SOFTPHONE), 50, NOW - HOUR),
        Input("2-rules", rules, 30, NOW - HOUR),
    ]
    composed = compose(ALICE, inputs, NOW).document
    yield "composed.xml", pidf.build(composed)
    yield "composed-simple-view.xml", pidf.build(simple_view(composed, NOW))
    yield "composed-when-the-meeting-is-over.xml", pidf.build(compose(ALICE, inputs, NOW + HOUR).document)
    yield "unavailable.xml", pidf.build(unavailable(ALICE))
    for lamp in ("dark", "lit", "blinking"):
        yield f"lamp-{lamp}.xml", at_version(dialog_document(ALICE, (), lamp), 3)


SITUATIONS = dict(situations())


@pytest.mark.parametrize("name", sorted(SITUATIONS))
def test_golden(name):
    assert SITUATIONS[name].decode() == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(name for name in SITUATIONS if not name.startswith("lamp-")))
def test_golden_documents_are_valid(name):
    assert_valid(SITUATIONS[name])


def test_no_golden_document_is_left_over():
    assert {path.name for path in GOLDEN.glob("*.xml")} == set(SITUATIONS)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.xml"):
        path.unlink()
    for name, body in SITUATIONS.items():
        (GOLDEN / name).write_bytes(body)
