"""What a source has promised to push: when to ask, when to renew, whom to believe."""

from datetime import timedelta

import pytest

from connectors.push_ledger import PushLedger
from tests.support.clock import MONDAY_NINE as NOW

DAY = timedelta(days=1)


def held(*subjects: str) -> PushLedger:
    ledger = PushLedger()
    for subject in subjects:
        ledger.granted(subject, f"id-{subject}", f"secret-{subject}", NOW + 2 * DAY, NOW, extra="r")
    return ledger


def test_what_is_not_covered_is_missing():
    assert held("a").missing(["a", "b"], NOW) == ["b"]
    assert held("a").missing(["a"], NOW + 2 * DAY) == ["a"]


def test_it_is_renewed_at_half_its_time_and_not_after_its_end():
    ledger = held("a")
    assert not ledger.worn(NOW + timedelta(hours=23))
    assert [one.subject for one in ledger.worn(NOW + DAY)] == ["a"]
    assert not ledger.worn(NOW + 2 * DAY)


def test_renewing_at_once():
    ledger = held("a")
    ledger.not_granted("a", "no", NOW)
    ledger.due_now("a", NOW)
    assert [one.subject for one in ledger.worn(NOW)] == ["a"]
    ledger.due_now("stranger", NOW)


def test_after_refusals_it_is_asked_again_ever_more_seldom():
    ledger = PushLedger()
    waits = []
    for _ in range(9):
        ledger.not_granted("a", "no", NOW)
        waits.append((ledger.refused["a"].again - NOW).total_seconds() / 60)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert not ledger.missing(["a"], NOW) and ledger.missing(["a"], NOW + timedelta(hours=1)) == ["a"]
    ledger.granted("a", "id", "s", NOW + DAY, NOW)
    assert not ledger.refused


@pytest.mark.parametrize(
    ("id_", "secret", "subject"),
    [
        ("id-a", "secret-a", "a"),
        ("id-a", "secret-b", None),
        ("id-b", "secret-a", None),
        ("id-a", "", None),
        ("", "", None),
        ("id-c", "\0", None),
    ],
)
def test_a_sender_is_known_by_id_and_secret_together(id_, secret, subject):
    assert held("a", "b").sender(id_, secret) == subject


def test_one_that_was_replaced_or_has_gone_speaks_no_more():
    ledger = held("a")
    ledger.granted("a", "new", "other", NOW + DAY, NOW)
    assert ledger.sender("id-a", "secret-a") is None and ledger.sender("new", "other") == "a"
    ledger.gone("a")
    assert ledger.sender("new", "other") is None


def test_it_outlives_a_restart():
    ledger = held("a", "b")
    again = PushLedger.read(ledger.written())
    assert again.held == ledger.held and again.sender("id-b", "secret-b") == "b"


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[[1]]", '[["a","b","c","soon","later","e"]]', "null"])
def test_what_cannot_be_read_is_forgotten(text):
    assert PushLedger.read(text) == PushLedger()


def test_what_has_run_out_and_what_nobody_wants():
    ledger = held("a", "b")
    assert [one.subject for one in ledger.orphans({"a"})] == ["b"]
    ledger.forget_ended(NOW + DAY)
    assert len(ledger.held) == 2
    ledger.forget_ended(NOW + 2 * DAY)
    assert not ledger.held


def test_secrets_are_not_shown():
    assert "secret-a" not in repr(held("a"))
