"""Dialogs put together from full and partial documents (RFC 4235 §4.3)."""

from hypothesis import given
from hypothesis import strategies as st

from agent.documents.dialog_info import Dialog, DialogInfo, NameAddr, Participant
from agent.presence.dialog_table import DialogTable, Heard

ALICE = "sip:alice@example.org"
FULL, PARTIAL = "full", "partial"


def told(version: int, state: str, **dialogs: str) -> DialogInfo:
    rows = tuple(Dialog(name, status) for name, status in dialogs.items())
    return DialogInfo(ALICE, version, state, rows)


def after(*documents: DialogInfo) -> tuple[DialogTable, Heard]:
    table, heard = DialogTable(), Heard.TAKEN
    for document in documents:
        table, heard = table.take(document)
    return table, heard


def states(table: DialogTable) -> dict[str, str]:
    return {name: dialog.state for name, dialog in table.dialogs.items()}


def test_parts_change_only_their_rows() -> None:
    table, heard = after(
        told(0, FULL, a="early", b="confirmed"), told(1, PARTIAL, a="confirmed"), told(2, PARTIAL, c="trying")
    )
    assert heard is Heard.TAKEN and table.complete
    assert states(table) == {"a": "confirmed", "b": "confirmed", "c": "trying"}


def test_a_dialog_that_is_over_is_gone() -> None:
    table, _ = after(told(0, FULL, a="early", b="terminated"), told(1, PARTIAL, a="terminated"))
    assert states(table) == {} and table.complete


def test_a_full_document_flushes_the_table() -> None:
    table, _ = after(told(0, FULL, a="early"), told(1, FULL, b="early"))
    assert states(table) == {"b": "early"}


def test_a_gap_asks_for_the_full_state_until_it_comes() -> None:
    table, heard = after(told(0, FULL, a="early"), told(2, PARTIAL, b="early"))
    assert heard is Heard.GAP and not table.complete
    assert states(table) == {"a": "early", "b": "early"}, "what is known is kept meanwhile"
    table, heard = table.take(told(3, PARTIAL, b="confirmed"))
    assert heard is Heard.GAP
    table, heard = table.take(told(4, FULL, b="confirmed"))
    assert heard is Heard.TAKEN and table.complete and states(table) == {"b": "confirmed"}


def test_a_gap_before_a_full_document_does_not_matter() -> None:
    table, heard = after(told(3, FULL, a="early"), told(9, FULL, a="confirmed"))
    assert heard is Heard.TAKEN and states(table) == {"a": "confirmed"}


def test_a_part_alone_is_not_the_whole() -> None:
    table, heard = after(told(0, PARTIAL, a="early"))
    assert heard is Heard.GAP and not table.complete


def test_older_documents_are_thrown_away() -> None:
    table, heard = after(told(5, FULL, a="early"), told(4, FULL), told(5, PARTIAL, a="terminated"))
    assert heard is Heard.OLD and states(table) == {"a": "early"} and table.version == 5


def test_a_full_state_under_the_same_number_is_taken() -> None:
    """COMPAT(Kamailio pua): `version="0"` in every document."""
    table, heard = after(told(0, FULL, a="early"), told(0, FULL))
    assert heard is Heard.TAKEN and states(table) == {}


def test_what_a_part_leaves_out_is_as_before() -> None:
    boss = Participant(NameAddr("sip:boss@example.com", "Boss"))
    first = Dialog("a", "early", direction="recipient", call_id="c", remote=boss)
    table, _ = after(
        DialogInfo(ALICE, 0, FULL, (first,)), DialogInfo(ALICE, 1, PARTIAL, (Dialog("a", "confirmed"),))
    )
    row = table.dialogs["a"]
    assert (row.state, row.direction, row.call_id, row.remote) == ("confirmed", "recipient", "c", boss)


def test_nothing_said_is_nothing_known() -> None:
    table, _ = after(told(0, FULL, a="early"))
    assert table.forgotten() == DialogTable() and not table.forgotten().complete


STATE = st.sampled_from(["trying", "proceeding", "early", "confirmed", "terminated"])


@given(st.lists(st.dictionaries(st.sampled_from("abc"), STATE, max_size=3)), st.data())
def test_parts_in_order_lead_where_full_documents_lead(
    changes: list[dict[str, str]], data: st.DataObject
) -> None:
    rows: dict[str, str] = {}
    by_parts = by_full = DialogTable().take(told(0, FULL))[0]
    for number, change in enumerate(changes, 1):
        rows |= change
        by_full, _ = by_full.take(told(number, FULL, **rows))
        whole = data.draw(st.booleans())
        by_parts, heard = by_parts.take(
            told(number, FULL, **rows) if whole else told(number, PARTIAL, **change)
        )
        assert heard is Heard.TAKEN
        assert states(by_parts) == states(by_full)
