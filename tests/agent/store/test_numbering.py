from hypothesis import given
from hypothesis import strategies as st

from agent.store.numbering import BLOCK, Numbering, loaded
from tests.agent.store.rows import subscription


@given(first=st.integers(0, 1000))
def test_the_stored_ceiling_covers_every_number_even_with_one_write_outstanding(first: int) -> None:
    row, numbering = subscription(local_cseq=first, version=first), Numbering()
    durable = asked = numbering.stored(row)
    for _ in range(5 * BLOCK):
        cseq, raise_cseq = numbering.next_cseq(row)
        version, raise_version = numbering.next_version(row)
        if raise_cseq or raise_version:
            durable, asked = asked, numbering.stored(row)
        assert cseq <= durable[0] and version < durable[1]


@given(first=st.integers(0, 1000), lives=st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_every_start_goes_on_above_the_last(first: int, lives: list[int]) -> None:
    """No write after the first one arrives, as with a full disk: the gap between starts makes up for it."""
    row = subscription(local_cseq=first)
    stored, _ = Numbering(1).stored(row)
    highest = first
    for starts, count in enumerate(lives, start=2):
        row = subscription(local_cseq=loaded(stored, starts))
        numbering = Numbering(starts)
        for _ in range(count):
            number, _ = numbering.next_cseq(row)
            assert number > highest
            highest = number


def test_few_numbers_cause_a_write() -> None:
    row, numbering = subscription(), Numbering()
    assert sum(numbering.next_cseq(row)[1] for _ in range(100 * BLOCK)) == 100
