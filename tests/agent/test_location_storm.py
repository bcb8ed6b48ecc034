"""A thousand positions a second for ten seconds at a real service: bounded, and nobody goes back in time.

How fast it is on a quiet machine says `python -m tests.bench.location_storm`; here it may take as long as it takes.
"""

from pathlib import Path

import pytest

from tests.bench.location_storm import storm

MOST_GROWTH = 64 * 1024 * 1024
"Bytes of memory that the service may take for it; all bodies together are twice as large."


@pytest.mark.slow
async def test_ten_thousand_positions(tmp_path: Path) -> None:
    result = await storm(tmp_path, rate=1000, seconds=10)
    print(result)
    assert dict(result.statuses) == {200: 10_000}
    assert not result.backwards and not result.wrong
    before, most, _ = result.memory
    assert most - before < MOST_GROWTH
