"""Hostile work in children that are interrupted or killed."""

import asyncio
import os
import time
from datetime import UTC, datetime

import pytest

from connectors.base import Failed
from connectors.errors import BadData, Unreachable
from connectors.ical.read import Reading, read
from connectors.workshop import Workshop
from tests.connectors.ical.texts import ALICE, calendar, event


@pytest.fixture
async def workshop():
    made = Workshop()
    yield made
    await made.close()


def double(number: int) -> int:
    return 2 * number


def misbehave(how: str) -> str:
    if how == "spin":
        while True:
            pass
    if how == "swallow":
        while True:
            try:
                while True:
                    pass
            except Exception:
                continue
    if how == "eat":
        return "x" * (4 << 30)
    if how == "die":
        os._exit(1)
    if how == "sleep":
        time.sleep(3600)
    if how == "refuse":
        raise BadData("it is refused")
    if how == "raise":
        raise ZeroDivisionError
    return how


async def test_answers_come_in_order(workshop):
    assert await workshop.each(double, [(1,), (2,), (3,)], limit=1.0) == [2, 4, 6]
    assert await workshop.each(double, [], limit=1.0) == []


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("spin", "time"),
        ("swallow", "time"),
        ("eat", "memory"),
        ("refuse", "it is refused"),
        ("raise", "ZeroDivision"),
    ],
)
async def test_one_bad_item_does_not_take_the_others(workshop, how, word):
    first, second, third = await workshop.each(misbehave, [("fine",), (how,), ("fine",)], limit=0.2)
    assert (first, third) == ("fine", "fine")
    assert isinstance(second, Failed) and word in second.reason


async def test_a_child_that_dies_is_replaced(workshop):
    (answer,) = await workshop.each(misbehave, [("die",)], limit=0.2)
    assert isinstance(answer, Failed)
    assert await workshop.each(double, [(4,)], limit=1.0) == [8]


async def test_a_child_that_hangs_outside_python_is_killed(workshop, monkeypatch):
    assert await workshop.each(double, [(1,)], limit=0.1) == [2]
    monkeypatch.setattr("connectors.workshop.START_LIMIT", 0.2)
    (answer,) = await workshop.each(misbehave, [("sleep",)], limit=0.001)
    assert isinstance(answer, Failed)


async def test_the_loop_goes_on_meanwhile_and_jobs_take_turns(workshop):
    answers = await asyncio.gather(*(workshop.each(double, [(number,)], limit=1.0) for number in range(5)))
    assert answers == [[0], [2], [4], [6], [8]]


async def test_closing_while_a_child_works_leaves_none_behind():
    workshop = Workshop()
    assert await workshop.each(double, [(1,)], limit=1.0) == [2]
    (child,) = workshop._idle
    working = asyncio.ensure_future(workshop.each(misbehave, [("spin",)], limit=5.0))
    while not workshop._busy:
        await asyncio.sleep(0)
    await workshop.close()
    assert isinstance((await working)[0], Failed)
    assert child.returncode is not None
    with pytest.raises(Unreachable):
        await workshop.each(double, [(1,)], limit=1.0)


BOMBS = {
    "daily-with-many-times": "RRULE:FREQ=DAILY;BYHOUR=0,4,8,12;BYMINUTE=0,6,12,18,24,30,36,42,48,54;BYSECOND="
    + ",".join(str(second) for second in range(25)),
    "never-matches": "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "never-matches-hourly": "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "every-second": "RRULE:FREQ=SECONDLY",
}


@pytest.mark.parametrize("rule", BOMBS.values(), ids=BOMBS)
async def test_recurrence_bombs_end_within_a_second_and_are_named(workshop, rule):
    bomb = calendar(event("DTSTART:19700101T000000Z", "DURATION:PT1M", rule, uid="bomb"))
    good = calendar(event("DTSTART:20260302T090000Z", "DURATION:PT1H"))
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    await workshop.each(read, [(good, start, end, "UTC", ALICE)], limit=0.5)
    before = os.times()
    hostile, honest = await workshop.each(
        read, [(bomb, start, end, "UTC", ALICE), (good, start, end, "UTC", ALICE)], limit=0.5
    )
    assert os.times().user - before.user < 1.0
    assert isinstance(honest, Reading) and len(honest.events) == 1
    if isinstance(hostile, Reading):
        assert hostile.events == ()
        # Never matching within a century is an honest answer when it was found in time.
        assert hostile.problems or "BYMONTHDAY=30" in rule
    else:
        assert "time" in hostile.reason


HOSTILE = {
    "a-million-exceptions": event(
        "DTSTART:20260101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY",
        "EXDATE:" + ",".join(["20260303T090000Z"] * 1_000_000), uid="bomb",
    ),
    "exceptions-in-lines": event(
        "DTSTART:20260101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY",
        *["EXDATE:20260303T090000Z"] * 200_000, uid="bomb",
    ),
    "a-hundred-thousand-overrides": "\r\n".join(
        event(f"RECURRENCE-ID:20260303T{n % 24:02}{n // 24 % 60:02}00Z", "DTSTART:20260303T090000Z", uid="bomb")
        for n in range(100_000)
    ),
    "dates-without-end": event(
        "DTSTART:20260101T090000Z", "RDATE:" + ",".join(["20260303T090000Z"] * 500_000), uid="bomb"
    ),
    "a-century-each-day": event("DTSTART:19260101T090000Z", "DURATION:P36500D", "RRULE:FREQ=DAILY", uid="bomb"),
    "a-long-story": event("DTSTART:20260302T090000Z", "SUMMARY:" + "long " * 1_500_000, uid="bomb"),
    "nested": "BEGIN:VEVENT\r\n" * 5000 + "END:VEVENT\r\n" * 5000,
    "busy-times-without-end": "BEGIN:VFREEBUSY\r\nUID:bomb\r\n"
    + "FREEBUSY:20260302T090000Z/PT1H\r\n" * 200_000 + "END:VFREEBUSY",
    "hours-of-centuries": event("DTSTART:16010101T090000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY", uid="bomb"),
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_objects_end_within_a_second_and_the_others_count(workshop, text):
    bomb, good = calendar(text), calendar(event("DTSTART:20260302T090000Z", "DURATION:PT1H"))
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    await workshop.each(read, [(good, start, end, "UTC", ALICE)], limit=0.5)
    (before,) = await workshop.each(time.process_time, [()], limit=1.0)
    hostile, honest = await workshop.each(
        read, [(bomb, start, end, "UTC", ALICE), (good, start, end, "UTC", ALICE)], limit=0.5
    )
    (after,) = await workshop.each(time.process_time, [()], limit=1.0)
    assert isinstance(honest, Reading) and len(honest.events) == 1
    assert after < before + 1.0, "one child did it all, or was replaced"
    if isinstance(hostile, Reading):
        # What is odd but cheap may count; what is refused is named.
        assert hostile.problems or len(hostile.events) <= 100
    else:
        assert hostile.reason


async def test_a_calendar_full_of_bombs_does_not_keep_the_others_waiting(workshop):
    rule = BOMBS["daily-with-many-times"]
    bomb = calendar(event("DTSTART:19700101T000000Z", "DURATION:PT1M", rule, uid="bomb"))
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    (before,) = await workshop.each(time.process_time, [()], limit=1.0)
    answers = await workshop.each(read, [(bomb, start, end, "UTC", ALICE)] * 100, limit=0.1)
    (after,) = await workshop.each(time.process_time, [()], limit=1.0)
    assert after - before < 2.0
    assert len(answers) == 100 and all(isinstance(each, Failed) or each.problems for each in answers)
