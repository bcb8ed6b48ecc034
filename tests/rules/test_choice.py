from datetime import UTC, datetime, timedelta

import pytest

from connectors.facts import ManualValue
from rules.choice import parse_choice
from rules.values import ValueProblem

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
"12:00 in Berlin."
STATES = ("lunch", "dnd", "away")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lunch 45m", ManualValue("lunch", None, NOON + timedelta(minutes=45))),
        ("Lunch for 1h30m", ManualValue("lunch", None, NOON + timedelta(minutes=90))),
        ("dnd until 15:00", ManualValue("dnd", None, NOON + timedelta(hours=3))),
        ("dnd until 08:00", ManualValue("dnd", None, NOON + timedelta(hours=20))),
        ("away until I come back", ManualValue("away", None, None, True)),
        ("away until I'm back", ManualValue("away", None, None, True)),
        ("dnd", ManualValue("dnd")),
        (
            "dnd 1h: Only if it burns: really",
            ManualValue("dnd", "Only if it burns: really", NOON + timedelta(hours=1)),
        ),
        ("auto", ManualValue(None)),
    ],
)
def test_what_is_typed(text, wanted):
    assert parse_choice(text, STATES, NOON, "Europe/Berlin") == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "say which state"),
        ("lunhc", "did you mean `lunch`?"),
        ("dnd soon", "no end"),
        ("dnd until 25:00", "time of day"),
    ],
)
def test_what_is_not_understood(text, told):
    with pytest.raises(ValueProblem, match=told.replace("?", r"\?")):
        parse_choice(text, STATES, NOON, "Europe/Berlin")
