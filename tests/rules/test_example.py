"""The example that the project was designed around: it loads, and its tests pass."""

from datetime import timedelta
from pathlib import Path

import pytest

import rules
from rules.decision import Basic, Lamp, Note
from rules.files import load_file

EXAMPLE = Path(__file__).parent / "example.yaml"


def test_it_loads_with_one_warning():
    loaded = load_file(EXAMPLE)
    assert [rule.name for rule in loaded.rules][:2] == ["what I chose myself wins", "on the phone"]
    assert [warning.message for warning in loaded.warnings] == ["`hopeful` is no mood of RFC 4480"]


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(600, "dnd"), (605, "dnd"), (621, "on-the-phone"), (626, "dnd"), (660, "available")],
)
def test_a_call_during_a_meeting(minutes, state):
    loaded = load_file(EXAMPLE)
    case = loaded.tests[0]
    now = case.script.at(timedelta(minutes=minutes))
    assert rules.evaluate(loaded, case.person, case.script.facts(now), now).decision.state == state


def test_what_dnd_brings_along():
    loaded = load_file(EXAMPLE)
    case = loaded.tests[0]
    now = case.script.at(timedelta(hours=10))
    answer = rules.evaluate(loaded, case.person, case.script.facts(now), now)
    decision = answer.decision
    assert (decision.basic, decision.lamp, decision.activities) == (Basic.CLOSED, Lamp.LIT, ("busy",))
    assert decision.notes == (Note("In a meeting until 11:00"),)
    assert decision.because["state"] == decision.because["notes"] == "meeting means DND"
    assert answer.next_change == case.script.at(timedelta(hours=11))


def test_nothing_known_is_unknown_and_claims_nothing():
    loaded = load_file(EXAMPLE)
    now = loaded.tests[0].script.at(timedelta(hours=10))
    decision = rules.evaluate(loaded, rules.Person("alice"), (), now).decision
    assert (decision.state, decision.basic) == ("unknown", None)
