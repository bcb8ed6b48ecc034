"""What a dialled extension says."""

import pytest

from connectors.codes import words_of

CODES = {"*78": "dnd", "*79": "auto", "*45.": "lunch {digits}m", "*451": "lunch until 13:00"}


@pytest.mark.parametrize(
    ("dialled", "words"),
    [
        ("*78", "dnd"),
        ("*79", "auto"),
        ("*4530", "lunch 30m"),
        ("*451", "lunch until 13:00"),
        ("*45", None),
        ("1002", None),
        ("", None),
        ("s", None),
    ],
)
def test_the_longest_code_that_fits_counts(dialled: str, words: str | None) -> None:
    assert words_of(dialled, CODES) == words
