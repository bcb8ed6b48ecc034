"""Where somebody is, from stays that begin and end."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.sessions import Sessions, Sighting
from tests.support.clock import MONDAY_NINE as NINE


def at(minutes: float):
    return NINE + timedelta(minutes=minutes)


def zone_of(sessions: Sessions, now: float = 60) -> str | None:
    place = sessions.place(at(now))
    assert place is not None
    return place.value.zone


def test_the_newest_stay_counts_until_it_ends_then_the_one_before():
    sessions = Sessions()
    sessions.take(Sighting("phone", "hq", True, at(0)))
    sessions.take(Sighting("laptop", "lab", True, at(5)))
    assert zone_of(sessions) == "lab"
    # The phone goes on telling that it is there: that is no arrival.
    sessions.take(Sighting("phone", "hq", True, at(10)))
    assert zone_of(sessions) == "lab"
    sessions.take(Sighting("laptop", "lab", False, at(11)))
    assert zone_of(sessions) == "hq" and sessions.place(at(12)).value.since == at(0)
    sessions.take(Sighting("phone", "hq", False, at(20)))
    place = sessions.place(at(21))
    assert (place.value.zone, place.value.since, place.observed_at) == (None, at(20), at(20))


def test_leaving_the_first_access_point_after_joining_the_next_is_no_leaving():
    sessions = Sessions()
    for sighting in (
        Sighting("a", "hq", True, at(0)),
        Sighting("b", "hq-2", True, at(1)),
        Sighting("a", "hq", False, at(2)),
    ):
        sessions.take(sighting)
    assert zone_of(sessions) == "hq-2"


def test_late_and_repeated_news_change_nothing():
    sessions = Sessions()
    sessions.take(Sighting("a", "hq", True, at(0)))
    sessions.take(Sighting("a", "hq", False, at(5)))
    assert not sessions.take(Sighting("a", "hq", True, at(3)))
    assert not sessions.take(Sighting("a", "hq", False, at(5)))
    assert zone_of(sessions) is None


def test_a_stay_that_is_no_longer_told_of_is_unknown_not_left():
    sessions = Sessions()
    sessions.take(Sighting("a", "hq", True, at(0), ttl=timedelta(minutes=20)))
    assert sessions.place(at(1)).valid_until == at(20)
    assert sessions.place(at(21)) is None


def test_what_a_restarted_access_point_knew_has_ended():
    sessions = Sessions()
    sessions.take(Sighting("a", "hq", True, at(0), group="ap-1"))
    assert not sessions.clear("ap-2", at(5))
    assert sessions.clear("ap-1", at(5)) and zone_of(sessions) is None
    sessions.take(Sighting("a", "hq", True, at(6), group="ap-1"))
    assert not sessions.clear("ap-1", at(5)), "the news of the restart came late"
    assert zone_of(sessions) == "hq"


def test_a_door_is_an_arrival_each_time():
    sessions = Sessions()
    for minute, zone in ((0, "a"), (1, "b"), (2, "a")):
        sessions.take(Sighting(zone, zone, True, at(minute), arrives=True))
    place = sessions.place(at(3))
    assert (place.value.zone, place.value.since) == ("a", at(2))


moves = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 30)),
    max_size=12,
    unique_by=lambda one: (one[0], one[2]),
)


@given(moves, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(made, random):
    """Each stay's last word counts, in whatever order the words come."""

    def ended_with(order):
        sessions = Sessions()
        for key, present, minute in order:
            sessions.take(Sighting(key, key, present, at(minute)))
        return {key for key in "abc" if key in sessions._open}

    shuffled = list(made)
    random.shuffle(shuffled)
    assert ended_with(shuffled) == ended_with(sorted(made, key=lambda one: one[2]))
