"""Event parameters of the package `dialog` (RFC 4235 §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents.dialog_info import Dialog
from agent.presence.dialog_choice import ALL, LONGEST, DialogChoice, kept_params, read_choice
from agent.sip.values import parse_event

ONE = Dialog("1", "confirmed", call_id="c@x", local_tag="here", remote_tag="there")
FORK = Dialog("2", "early", call_id="c@x", local_tag="here", remote_tag="elsewhere")
OTHER = Dialog("3", "early", call_id="d", local_tag="here", remote_tag="there")


def chosen(event: str) -> list[str]:
    choice = read_choice(kept_params(parse_event(event).params))
    return [dialog.id for dialog in (ONE, FORK, OTHER) if choice.includes(dialog)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("dialog", ["1", "2", "3"]),
        ("dialog;id=7;unheard-of=x", ["1", "2", "3"]),
        ('dialog;call-id="c@x";to-tag=here;from-tag=there', ["1"]),
        ('dialog;call-id="c@x";to-tag=here', ["1", "2"]),
        ("dialog;call-id=d;to-tag=here;from-tag=there", ["3"]),
        ("dialog;call-id=d;to-tag=other", []),
        ("dialog;include-session-description", ["1", "2", "3"]),
    ],
)
def test_which_dialogs_are_meant(event: str, expected: list[str]) -> None:
    assert chosen(event) == expected


@pytest.mark.parametrize(
    "event",
    [
        "dialog;call-id=x",
        "dialog;to-tag=x",
        "dialog;from-tag=x",
        "dialog;to-tag=x;from-tag=y",
        "dialog;call-id=x;to-tag",
        f"dialog;call-id={'x' * LONGEST};to-tag=y",
    ],
)
def test_what_names_no_dialog_is_refused(event: str) -> None:
    with pytest.raises(ValueError):
        kept_params(parse_event(event).params)


def test_session_descriptions_are_asked_for() -> None:
    assert read_choice(kept_params(parse_event("dialog;include-session-description").params)).sessions
    assert not ALL.sessions and read_choice("") is ALL


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.text("ab-1", min_size=1))
def test_whatever_is_kept_is_read_again(call_id: str, tag: str) -> None:
    assert read_choice(kept_params({"call-id": call_id, "to-tag": tag})) == DialogChoice(call_id, tag)
