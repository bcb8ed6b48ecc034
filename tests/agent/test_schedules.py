"""Working hours as facts: known before the first decision, renewed in good time, gone with their person."""

import asyncio
from datetime import timedelta

from agent.schedules import Schedules, source
from agent.working_hours import WorkingHours, parse_spans
from connectors.facts import FactBook
from tests.support.virtual_loop import LoopClock, virtual

HOURS = WorkingHours(parse_spans("mon-fri 09:00-17:00"), "Europe/Berlin")


@virtual
async def test_months_later_the_coming_days_are_still_known() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    book = FactBook()
    made = Schedules({"alice": HOURS}, clock, book.put_all, lambda sources: None)
    made.tell()
    running = asyncio.ensure_future(made.run(asyncio.sleep))
    for _ in range(24 * 60):
        await asyncio.sleep(3600)
        (fact,) = book.of("alice")
        assert not fact.is_stale(clock.now())
        assert fact.value.working[-1].end > clock.now() + timedelta(days=7)
        assert fact.value.working[0].start < clock.now() + timedelta(days=3)
    running.cancel()


@virtual
async def test_a_person_without_hours_has_no_schedule() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    book = FactBook()

    def forget(sources):
        for each in sources:
            book.drop_source(each)

    made = Schedules({"alice": HOURS, "bob": HOURS}, clock, book.put_all, forget)
    made.tell()
    made.replace({"bob": HOURS})
    assert not book.of("alice")
    assert [fact.source for fact in book.of("bob")] == [source("bob")]
