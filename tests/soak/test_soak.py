"""The short form of `python -m tests.soak`: after a few seconds of coming and going nothing is left over."""

from pathlib import Path

import pytest

from tests.soak.load import BRIEF_LIVES
from tests.soak.report import Sample, SoakReport
from tests.soak.run import soak


@pytest.mark.slow
async def test_what_comes_and_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    report = await soak(tmp_path, minutes=0.1, seed=3, every=1.0, lives=BRIEF_LIVES)
    assert not report.faults, str(report)
    for what in (
        "subscribe 200",
        "refresh 200",
        "publish 200",
        "register 200",
        "guess 401",
        "flood",
        "garbage",
    ):
        assert report.answers[what] > 0, str(report)
    assert max(sample.figures["server transactions"] for sample in report.samples) > 0


def test_growth_is_found_and_stillness_is_not() -> None:
    def report(growth: float) -> SoakReport:
        samples = [
            Sample(at, 100 + growth * at / 3600 + (at % 20) / 10, {"watches": at % 7})
            for at in range(0, 1800, 10)
        ]
        return SoakReport(30, 1, samples)

    assert abs(report(0).growth()) < 1 < 55 < report(60).growth() < 65
    assert "<polyline" in report(1).picture() and "MB an hour" in str(report(1))
