"""Every case through every connector that can express it gives the same facts."""

import re
from pathlib import Path

import pytest

from tests.connectors.semantics import cloud_feeds, exchange_feeds
from tests.connectors.semantics.corpus import DETAILS, FORMS, Case, cases, expected, told
from tests.connectors.semantics.feeds import FEEDS as ICAL_FEEDS
from tests.connectors.semantics.feeds import Feed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "calendars.md"
FEEDS = (
    *ICAL_FEEDS,
    Feed("microsoft", "graph", cloud_feeds.graph),
    # getSchedule is for who wants no more than times.
    Feed("microsoft", "graph", cloud_feeds.schedule, cannot_tell=DETAILS - {"all_day"}),
    Feed("google", "google", cloud_feeds.calendar_api),
    Feed("exchange", "ews", exchange_feeds.calendar),
    # GetUserAvailability has no words for these.
    Feed(
        "exchange",
        "ews",
        exchange_feeds.availability,
        cannot_tell=frozenset({"categories", "attendees", "online_meeting"}),
    ),
)
PAIRS = [
    pytest.param(feed, case, id=f"{feed.connector}-{case.name}")
    for feed in FEEDS
    for case in cases(feed.form)
    if not case.only or feed.connector in case.only
]


@pytest.mark.parametrize(("feed", "case"), PAIRS)
async def test_a_case_gives_its_facts(feed: Feed, case: Case) -> None:
    heard = await feed.events(case)
    assert told(heard.events, feed.cannot_tell) == expected(case, feed.cannot_tell)
    assert len(heard.problems) == case.problems, heard.problems


def rows() -> list[str]:
    """First column of the semantics table."""
    table = PAGE.read_text(encoding="utf-8").partition("<!-- semantics -->")[2].partition("<!-- end -->")[0]
    return [match[1].strip() for match in re.finditer(r"^\| ([^|]+) \|", table, re.MULTILINE)][1:]


def test_the_table_has_a_case_for_each_row_and_each_case_has_its_row() -> None:
    assert set(rows()) == {case.row for case in cases()}
    assert len(rows()) == len(set(rows()))


def test_cases_are_told_apart_by_name() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_there_or_it_is_said_why_not(form: str) -> None:
    """Once a source has a feed, each case has its form, or names the reason."""
    if form in {feed.form for feed in FEEDS}:
        silent = [case.name for case in cases() if form not in case.forms and form not in case.cannot]
        assert not silent
