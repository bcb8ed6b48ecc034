from hypothesis import given
from hypothesis import strategies as st

from agent.presence.records import Publication
from agent.store.expiry import ExpiryIndex
from tests.agent.store.rows import publication


def _put(rows: dict[str, Publication], index: ExpiryIndex[Publication], key: str, expires_at: float) -> None:
    before = rows.get(key)
    rows[key] = publication(key, expires_at=expires_at)
    index.changed(rows[key], before)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 20)), st.integers(0, 20))
    )
)
def test_it_knows_what_a_plain_search_would_find(steps: list[tuple[str, int | None, int]]) -> None:
    rows: dict[str, Publication] = {}
    index = ExpiryIndex(rows)
    for key, expires_at, now in steps:
        if expires_at is None:
            rows.pop(key, None)
        else:
            _put(rows, index, key, expires_at)
        due = index.due(now)
        assert sorted(row.id for row in due) == sorted(
            row.id for row in rows.values() if row.expires_at <= now
        )
        assert [row.expires_at for row in due] == sorted(row.expires_at for row in due)
        assert index.next() == min((row.expires_at for row in rows.values()), default=None)


def test_nothing_grows_under_refreshes_and_comings_and_goings() -> None:
    rows: dict[str, Publication] = {}
    index = ExpiryIndex(rows)
    for step in range(20_000):
        _put(rows, index, f"stays{step % 10}", 1e6 + step * (-1) ** step)
        _put(rows, index, f"goes{step}", 2e6)
        del rows[f"goes{step}"]
    assert len(index) < 200
