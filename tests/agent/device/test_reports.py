"""When a computer speaks, and how little it says."""

from hypothesis import given
from hypothesis import strategies as st

from agent.device.reports import STEPS, Report, Reports
from agent.device.use import Use, together


def told(looks: list[tuple[float, Use]]) -> list[tuple[float, Report]]:
    reports = Reports(idle_after=300, every=120)
    found = []
    for now, use in looks:
        report = reports.due(use, now)
        if report is not None:
            reports.sent(report, now)
            found.append((now, report))
    return found


def test_use_is_told_at_once_and_then_by_heartbeats():
    looks = [(now, Use(now % 7, False)) for now in range(0, 300, 10)]
    assert told(looks) == [(now, Report(0, True, False)) for now in (0, 120, 240)]


def test_a_pause_is_told_when_it_becomes_idleness_and_then_in_coarse_steps():
    looks = [(float(now), Use(float(now))) for now in range(0, 1200, 10)]
    edges = [(now, report) for now, report in told(looks) if report.idle_seconds]
    assert edges[0] == (300, Report(300, False, False))
    assert [report.idle_seconds for _, report in edges] == sorted(report.idle_seconds for _, report in edges)
    assert {report.idle_seconds for _, report in edges} == {300, 600, 900}


def test_coming_back_locking_and_unlocking_are_told_at_once():
    looks = [(0, Use(400)), (5, Use(1)), (10, Use(2, True)), (12, Use(3, False))]
    assert [(now, report.active, report.locked) for now, report in told(looks)] == [
        (0, False, False),
        (5, True, False),
        (10, False, True),
        (12, True, False),
    ]


def test_what_is_not_known_is_not_told():
    assert told([(0, Use(None)), (1000, Use(None, False))]) == []
    assert told([(0, Use(None, True))]) == [(0, Report(300, False, True))], "locked is known"


def test_what_could_not_be_sent_is_due_again():
    reports = Reports(300, 120)
    assert reports.due(Use(0), 0) == reports.due(Use(1), 1) == Report(0, True, False)


@given(st.floats(0, 1e7), st.booleans() | st.none())
def test_never_more_than_a_step_is_told(idle, locked):
    report = Reports(300, 120).due(Use(idle, locked), 0)
    assert report is not None
    assert report.idle_seconds in (0, *STEPS) or idle < STEPS[0]
    assert report.idle_seconds <= idle
    assert report.active == (idle < 300 and not locked)


def test_the_newest_input_of_all_sources_counts():
    assert together([Use(50), Use(20, False), Use(None, True)]) == Use(20, True)
    assert together([]) == Use(None, None)
