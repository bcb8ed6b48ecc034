"""In which zone a device is: edges, accuracy, order, clocks, and what its own app knows."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import cos, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.location.report import KNOTS, Fix, Report, fix
from connectors.location.whereabouts import Kept, Policy, Whereabouts
from connectors.location.zones import Zone
from tests.support.clock import MONDAY_NINE as NINE

HERE = (50.0, 8.0)
OFFICE = Zone(center=HERE, radius=100, tags=("office",))
CAMPUS = Zone(center=HERE, radius=1000, aliases=("The Campus",))
POLICY = Policy({"office": OFFICE, "campus": CAMPUS})
ALONE = Policy({"office": OFFICE})


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def away(metres: float, accuracy: float | None = 10, **given: object) -> Fix:
    """A position so far east of the zones' center."""
    found = fix(HERE[0], HERE[1] + metres / 111_194.9 / cos(radians(HERE[0])), accuracy, **given)
    assert found is not None
    return found


class Phone:
    """Tells at its own times; now is the newest of them."""

    def __init__(self, policy: Policy = ALONE, kept: Kept | None = None) -> None:
        self.place = Whereabouts(policy, kept)
        self.now = NINE

    def fix(self, seconds: float, metres: float, accuracy: float | None = 10, **given: object) -> str | None:
        return self.tell(Report(at(seconds), fix=away(metres, accuracy, **given)))

    def tell(self, report: Report, now: datetime | None = None) -> str | None:
        self.now = max(self.now, report.at) if now is None else now
        return self.place.take(report, self.now)

    @property
    def zone(self) -> str | None:
        assert self.place.kept is not None
        return self.place.kept.zone


def test_in_and_out():
    phone = Phone()
    phone.fix(0, 20)
    assert phone.zone == "office"
    phone.fix(60, 140)
    assert phone.zone == "office", "within the margin"
    phone.fix(120, 400)
    assert phone.zone is None, "far outside once is enough"
    assert phone.place.kept == Kept(None, at(120), at(120), 1.0)


def test_just_inside_takes_two_and_a_while():
    phone = Phone()
    phone.fix(0, 95, 30)
    assert phone.zone is None
    phone.fix(30, 95, 30)
    assert phone.zone is None
    phone.fix(60, 95, 30)
    assert phone.zone == "office" and phone.place.kept.since == at(0)


def test_just_outside_takes_two_or_a_while():
    twice, silent = Phone(), Phone()
    for phone in (twice, silent):
        phone.fix(0, 0)
        phone.fix(60, 180)
        assert phone.zone == "office"
    twice.fix(90, 180)
    assert twice.zone is None
    assert silent.place.due() == at(180)
    assert not silent.place.ripen(at(179)) and silent.zone == "office"
    assert silent.place.ripen(at(180)) and silent.zone is None
    back = Phone()
    back.fix(0, 0)
    back.fix(60, 180)
    back.fix(90, 40)
    assert back.place.due() is None and back.zone == "office"


@pytest.mark.parametrize("accuracy", [None, 0, -1, 201, 2000, "x"])
def test_what_is_inexact_neither_brings_nor_takes(accuracy):
    phone = Phone()
    phone.fix(0, 0)
    assert phone.fix(60, 5000, accuracy)
    assert phone.zone == "office"
    empty = Phone()
    empty.fix(0, 0, accuracy)
    assert empty.place.kept is None


def test_a_large_circle_over_the_edge_is_no_arrival():
    """Somewhere within 190 m of a point 150 m away from the center: perhaps."""
    phone = Phone()
    for seconds in range(0, 600, 60):
        phone.fix(seconds, 150, 190)
    assert phone.zone is None


def test_made_up_positions():
    phone, allowed = Phone(), Phone(replace(ALONE, mocked=True))
    assert phone.fix(0, 0, mock=True) and phone.place.kept is None
    assert allowed.fix(0, 0, mock=True) is None and allowed.zone == "office"


def test_numbers_that_are_none():
    assert fix(0, 0, 5) is None, "a receiver without a position"
    assert fix("%LAT", "%LON", 5) is None
    assert fix(91, 8, 5) is None and fix(50, 181, 5) is None
    assert fix(float("nan"), 8, 5) is None and fix(True, False, 5) is None
    assert fix("50", "8", "-1", speed="-1") == Fix(50.0, 8.0, None, None)
    assert fix(50, 8, 5, speed=10, unit=KNOTS).speed == pytest.approx(18.52)
    assert "50" not in repr(fix(50, 8, 5))


def test_clocks():
    phone = Phone()
    assert phone.tell(Report(at(0), fix=away(0)), now=at(-61)) == "the device's clock is ahead"
    assert (
        phone.tell(Report(at(0), fix=away(0)), now=at(0) + timedelta(hours=4, seconds=1)) == "it is too old"
    )
    assert phone.tell(Report(at(0), fix=away(0)), now=at(-59)) is None


def test_a_backlog_is_in_the_order_of_its_times():
    phone = Phone()
    phone.fix(600, 5000)
    for seconds in (0, 300, 599):
        assert phone.fix(seconds, 0) == "something newer is known"
    assert phone.zone is None


def test_of_the_same_second_the_more_exact_counts():
    phone = Phone()
    phone.fix(0, 5000, 150)
    phone.fix(0, 0, 150)
    assert phone.zone is None
    phone.fix(0, 0, 20)
    assert phone.zone == "office"
    phone.fix(0, 5000, 30)
    assert phone.zone == "office"


def test_zones_in_one_another():
    phone = Phone(POLICY)
    phone.fix(0, 0)
    assert phone.place.kept.zone == "office" and phone.place.kept.tags == ("office", "campus")
    phone.fix(60, 500)
    assert phone.zone == "campus" and phone.place.kept.since == at(0)


def test_under_way():
    phone = Phone()
    phone.fix(0, 5000, speed=30)
    assert phone.place.kept.tags == ("in-transit",)
    phone.fix(60, 6000, speed=3)
    assert phone.place.kept.tags == ()


def test_an_apps_own_region_goes_before_positions():
    phone = Phone()
    phone.tell(Report(at(0), entered="Office"))
    phone.fix(60, 150)
    phone.fix(120, 155)
    assert phone.zone == "office"
    phone.tell(Report(at(180), left="OFFICE"))
    assert phone.zone is None
    phone.tell(Report(at(200), entered="- my café"))
    assert phone.zone == "my café", "a zone that only the app knows"


def test_a_lost_departure_is_repaired_by_positions_far_outside():
    phone = Phone()
    phone.tell(Report(at(0), entered="office"))
    phone.fix(600, 5000)
    assert phone.zone is None


def test_arrivals_and_departures_in_the_wrong_order():
    phone = Phone()
    phone.tell(Report(at(60), left="office"))
    phone.tell(Report(at(0), entered="office"), now=at(70))
    assert phone.zone is None
    phone.tell(Report(at(90), entered="office"))
    phone.tell(Report(at(90), entered="office"))
    assert phone.zone == "office" and phone.place.kept.since == at(90)


def test_lists_of_regions_are_complete():
    phone = Phone(POLICY)
    phone.tell(Report(at(0), regions=("the campus", "office")))
    assert phone.zone == "office" and "campus" in phone.place.kept.tags
    phone.tell(Report(at(60), regions=("The Campus",)))
    assert phone.zone == "campus"
    phone.tell(Report(at(120), fix=away(500, 500)))
    assert phone.zone is None, "an app that lists regions and lists none is in none"


def test_of_regions_without_a_size_the_apps_first_is_the_innermost():
    phone = Phone(Policy())
    phone.tell(Report(at(0), regions=("desk", "building", "city")))
    assert phone.zone == "desk" and phone.place.kept.tags == ("building", "city")
    phone.tell(Report(at(60), regions=("building", "desk", "city")))
    assert phone.zone == "building"


def test_an_accuracy_may_be_assumed():
    phone = Phone(replace(ALONE, assumed_accuracy=30))
    phone.fix(0, 20, None)
    assert phone.zone == "office"
    strict = Phone(replace(ALONE, assumed_accuracy=300))
    assert strict.fix(0, 20, None) == "it is too inexact"


def test_regions_alone():
    phone = Phone(replace(ALONE, positions=False))
    assert phone.fix(0, 0) == "positions are not looked at"
    phone.tell(Report(at(1), fix=away(5000), regions=("office",)))
    assert phone.zone == "office"


def test_what_was_kept_over_a_restart_goes_on():
    kept = Kept("office", at(-3600), at(-60), 0.9, ("office",))
    phone = Phone(kept=kept)
    assert phone.fix(-120, 5000) == "something newer is known"
    phone.fix(0, 120)
    assert phone.place.kept.since == at(-3600) and phone.zone == "office"
    phone.fix(60, 5000)
    assert phone.zone is None


def test_polygons():
    square = Zone(polygon=((50.0, 8.0), (50.0, 8.01), (50.01, 8.01), (50.01, 8.0)))
    assert square.distance(50.005, 8.005) == pytest.approx(-358, abs=3)
    assert square.distance(50.005, 8.02) == pytest.approx(715, abs=5)
    assert square.distance(50.02, 8.005) == pytest.approx(1112, abs=3)
    assert square.reach == pytest.approx(503, abs=5)
    over_the_date_line = Zone(polygon=((0, 179.99), (0, -179.99), (0.02, -179.99), (0.02, 179.99)))
    assert over_the_date_line.distance(0.01, 180) < 0 < over_the_date_line.distance(0.01, 179.9)


reports = st.builds(
    lambda seconds, metres, accuracy: Report(at(seconds), fix=away(metres, accuracy)),
    st.integers(0, 3600),
    st.integers(-3000, 3000),
    st.sampled_from([None, 0, 5, 20, 60, 150, 500]),
)


@settings(max_examples=200)
@given(st.lists(reports, max_size=15, unique_by=lambda report: report.at))
def test_no_order_of_arrival_shows_an_older_place_than_is_known(told):
    phone = Phone(POLICY)
    newest = NINE
    for report in told:
        before = phone.place.kept
        taken = phone.tell(report, now=at(3600))
        if taken is not None:
            assert phone.place.kept == before
        if phone.place.kept is not None:
            assert phone.place.kept.fixed_at >= newest
            newest = phone.place.kept.fixed_at


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(-60, 60), st.sampled_from([10, 30, 60, 90])), min_size=1, max_size=20))
def test_somebody_who_sits_well_inside_never_flickers(noise):
    phone = Phone()
    phone.fix(0, 0)
    for step, (metres, accuracy) in enumerate(noise, 1):
        phone.fix(step * 60, metres, accuracy)
        assert phone.zone == "office"
