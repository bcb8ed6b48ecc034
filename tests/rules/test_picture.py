"""The picture of simulated days: what is drawn, where, and that nothing in it can break out of it."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

from rules.decision import Basic, Decision, Lamp, Note
from rules.person import Person
from rules.picture import kind_of, svg
from rules.simulate import Track
from rules.timeline import Segment

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FREE = Decision("alice", "available", Basic.OPEN)
MEETING = Decision("alice", "dnd", Basic.CLOSED, lamp=Lamp.LIT, notes=(Note("In <b> & until 11:00"),))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(*segments: tuple[float, float, Decision], timezone: str = "UTC", days: int = 1):
    hours = [Segment(MONDAY + timedelta(hours=a), MONDAY + timedelta(hours=b), one) for a, b, one in segments]
    track = Track(Person("alice", "Alice", timezone=timezone), tuple(hours))
    root = ElementTree.fromstring(svg([track], MONDAY, MONDAY + timedelta(days=days)))
    return root, list(root.iter(f"{SVG}g"))


def test_a_bar_for_each_state_as_long_as_it_lasts():
    _, bars = drawn((0, 10, FREE), (10, 11, MEETING), (11, 24, FREE))
    assert [bar.find(f"{SVG}title").text.splitlines()[0] for bar in bars] == [
        "00:00–10:00 available",
        "10:00–11:00 dnd",
        "11:00–00:00 available",
    ]
    before, meeting, after = [float(bar.find(f"{SVG}rect").get("width")) for bar in bars]
    assert meeting < before < after, "of an hour, three and eight of them: the usual hours are shown"
    assert "In <b> & until 11:00" in bars[1].find(f"{SVG}title").text


def test_hours_are_shown_as_far_as_something_changes_in_them():
    root, _ = drawn((0, 3, MEETING), (3, 24, FREE))
    labels = [text.text for text in root.iter(f"{SVG}text")]
    assert "02:00" in labels and "01:00" not in labels


def test_what_differs_in_place_only_is_one_bar():
    _, bars = drawn((0, 9, FREE), (9, 24, Decision("alice", "available", Basic.OPEN, place="Office")))
    assert len(bars) == 1


def test_the_day_on_which_the_clocks_change_is_whole():
    """29 March 2026 in Berlin has 23 hours."""
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    track = Track(
        Person("alice", "Alice", timezone="Europe/Berlin"),
        (Segment(start, start + timedelta(hours=23), FREE),),
    )
    root = ElementTree.fromstring(svg([track], start, start + timedelta(hours=23)))
    assert len(list(root.iter(f"{SVG}g"))) == 1


def test_kinds_are_what_a_watcher_sees():
    assert kind_of(Decision("a", "unknown")) == "unknown"
    assert kind_of(Decision("a", "ringing", Basic.OPEN, lamp=Lamp.BLINKING)) == "blinking"
    assert kind_of(Decision("a", "away", Basic.CLOSED)) == "closed"
    assert (kind_of(FREE), kind_of(MEETING)) == ("open", "lit")
