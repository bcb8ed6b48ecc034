"""Dialog-info as Asterisk, Kamailio and FreeSWITCH write it, and as we do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from agent.documents import dialog_info
from agent.documents.dialog_info import Dialog, DialogInfo, NameAddr, Participant, Target
from agent.documents.errors import DocumentError
from tests.agent.documents.strategies import foreign_tuples, quick, words

NS = 'xmlns="urn:ietf:params:xml:ns:dialog-info"'
ASTERISK_EARLY = f"""<?xml version="1.0" encoding="UTF-8"?>
<dialog-info {NS} version="4" state="full" entity="sip:1001@127.0.0.1">
 <dialog id="1001" direction="recipient">
  <remote>
   <identity display="Bob Desk">sip:1002@127.0.0.1</identity>
   <target uri="sip:1002@127.0.0.1" />
  </remote>
  <local>
   <identity display="Alice Desk">sip:1001@127.0.0.1</identity>
   <target uri="sip:1001@127.0.0.1"><param pname="+sip.rendering" pvalue="no" /></target>
  </local>
  <state>early</state>
 </dialog>
</dialog-info>"""


def one(inside, attributes='id="d"'):
    head = f'<dialog-info {NS} version="0" state="full" entity="sip:a@b"><dialog {attributes}>'
    body = f"{head}{inside}</dialog></dialog-info>"
    (dialog,) = dialog_info.parse(body.encode()).dialogs
    return dialog


def test_asterisk():
    info = dialog_info.parse(ASTERISK_EARLY.encode())
    local = Participant(
        NameAddr("sip:1001@127.0.0.1", "Alice Desk"),
        Target("sip:1001@127.0.0.1", (("+sip.rendering", "no"),)),
    )
    remote = Participant(NameAddr("sip:1002@127.0.0.1", "Bob Desk"), Target("sip:1002@127.0.0.1"))
    dialog = Dialog("1001", "early", direction="recipient", local=local, remote=remote)
    assert info == DialogInfo("sip:1001@127.0.0.1", 4, "full", (dialog,))


def test_kamailio_writes_a_capital_letter():
    assert one("<state>Trying</state>").state == "trying"


@pytest.mark.parametrize("body", [b"", b"\r\n"])
def test_kamailio_sends_no_body_while_nothing_is_known(body):
    assert dialog_info.parse(body) == DialogInfo("", 0, "full", ())


def test_the_slips_in_the_examples_of_the_rfc():
    dialog = one('<state reason="local-bye" code="200">terminated</state>', 'id="d" direction="receiver"')
    assert (dialog.direction, dialog.event, dialog.code) == ("recipient", "local-bye", 200)
    body = f'<dialog-info {NS} version="1" notify-state="partial" entity="sip:a@b"/>'
    assert dialog_info.parse(body.encode()).state == "partial"


def test_what_cannot_be_understood_claims_nothing():
    dialog = one('<state event="boredom" code="x">humming</state><duration>long</duration>', 'direction="up"')
    assert dialog == Dialog("", "")
    body = f'<dialog-info {NS} version="-1" entity="sip:a@b"/>'
    assert dialog_info.parse(body.encode()) == DialogInfo("sip:a@b", 0)


@pytest.mark.parametrize("body", [b"<dialog-info/>", b"<x"])
def test_what_is_no_dialog_info(body):
    with pytest.raises(DocumentError):
        dialog_info.parse(body)


participants = st.builds(
    Participant,
    st.none() | st.builds(NameAddr, words, st.none() | words),
    st.none() | st.builds(Target, words, st.lists(st.tuples(words, words), max_size=2).map(tuple)),
    foreign_tuples,
)
dialogs = st.builds(
    Dialog,
    words,
    st.sampled_from(sorted(dialog_info.STATES)),
    st.none() | st.sampled_from(sorted(dialog_info.EVENTS)),
    st.none() | st.integers(100, 699),
    st.sampled_from([None, "initiator", "recipient"]),
    st.none() | words,
    st.none() | words,
    st.none() | words,
    st.none() | st.integers(0, 10**6),
    st.none() | participants,
    st.none() | participants,
    foreign_tuples,
)
infos = st.builds(
    DialogInfo,
    words,
    st.integers(0, 2**31),
    st.sampled_from(["full", "partial"]),
    st.lists(dialogs, max_size=3).map(tuple),
    foreign_tuples,
)


@quick
@given(infos)
def test_what_goes_out_comes_back(info):
    assert dialog_info.parse(dialog_info.build(info)) == info


def test_what_only_passes_through_stands_where_the_schema_has_it():
    dialog = one(
        "<state>confirmed</state><local/><x:y xmlns:x='urn:x'/>"
        "<replaces call-id='1' local-tag='2' remote-tag='3'/>"
    )
    written = etree.fromstring(dialog_info.build(DialogInfo("sip:a@b", 0, "full", (dialog,))))
    names = [etree.QName(child).localname for child in written[0]]
    assert names == ["state", "replaces", "local", "y"]


def test_an_empty_display_name_is_none() -> None:
    """Found by fuzzing: read again, it was another document."""
    body = (
        b'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:a@b">'
        b'<dialog id="1"><state>early</state><local><identity display="">sip:a@b</identity></local></dialog>'
        b"</dialog-info>"
    )
    read = dialog_info.parse(body)
    local = read.dialogs[0].local
    assert local is not None and local.identity == dialog_info.NameAddr("sip:a@b")
    assert dialog_info.parse(dialog_info.build(read)) == read


def test_a_second_participant_of_one_side_is_left_out() -> None:
    """Found by fuzzing: passed on, it took the place of the first."""
    sides = "".join(f"<remote><identity>sip:{name}@b</identity></remote>" for name in ("first", "second"))
    read = dialog_info.parse(
        '<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:a@b">'
        f'<dialog id="1"><state>early</state>{sides}</dialog></dialog-info>'.encode()
    )
    remote = read.dialogs[0].remote
    assert remote is not None and remote.identity == NameAddr("sip:first@b")
    assert dialog_info.parse(dialog_info.build(read)) == read
