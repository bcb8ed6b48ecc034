"""What people and programs are told of a document."""

from datetime import UTC, datetime

import pytest

from agent.cli.shown import Reader, Shown, line_of
from agent.documents.errors import DocumentError
from agent.sip.notification import Notification

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
PIDF = "application/pidf+xml"
HEAD = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
    'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:alice@example.org">'
)


def told(content_type: str, body: bytes) -> Notification:
    return Notification("active", 600, None, None, content_type, body)


def read_body(content_type: str, body: bytes) -> Shown | None:
    return Reader().read(told(content_type, body))


def presence(inner: str) -> bytes:
    return f"{HEAD}{inner}</presence>".encode()


def test_a_rich_document_is_told_in_one_line() -> None:
    shown = read_body(
        PIDF,
        presence(
            '<tuple id="a"><status><basic>closed</basic></status><note>In a meeting</note></tuple>'
            '<dm:person id="p"><rpid:activities><rpid:meeting/><rpid:other>juggling</rpid:other></rpid:activities>'
            "<dm:note>In a meeting</dm:note><dm:timestamp>2026-03-02T10:00:00Z</dm:timestamp></dm:person>"
        ),
    )
    since = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert shown == Shown("closed", ("meeting", "juggling"), ("In a meeting",), since)
    assert line_of(shown, NOW) == 'closed   meeting, juggling  "In a meeting"  since 10:00:00'


@pytest.mark.parametrize(
    ("basics", "expected"),
    [((), "unknown"), (("closed", "open"), "open"), (("closed",), "closed"), ((None,), "unknown")],
)
def test_open_as_soon_as_one_service_is(basics: tuple[str | None, ...], expected: str) -> None:
    tuples = "".join(
        f'<tuple id="t{number}"><status>{f"<basic>{basic}</basic>" if basic else ""}</status></tuple>'
        for number, basic in enumerate(basics)
    )
    shown = read_body(PIDF, presence(tuples))
    assert shown is not None and shown.state == expected


def test_another_day_is_written_out() -> None:
    line = line_of(Shown("open", since=datetime(2026, 2, 28, 8, 0, tzinfo=UTC)), NOW)
    assert line.endswith("since 2026-02-28 08:00")


def test_calls_are_told_by_their_states() -> None:
    body = (
        b'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:a@b">'
        b'<dialog id="1"><state>confirmed</state></dialog></dialog-info>'
    )
    assert read_body("application/dialog-info+xml", body) == Shown("confirmed")


def test_calls_told_in_parts_are_put_together_and_a_missing_part_is_known() -> None:
    reader, kind = Reader(), "application/dialog-info+xml"

    def shown(version: int, state: str, dialogs: str) -> str:
        head = f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="{state}"'
        read = reader.read(told(kind, f'{head} entity="sip:a@b">{dialogs}</dialog-info>'.encode()))
        assert read is not None
        return read.state

    assert shown(0, "full", '<dialog id="1"><state>early</state></dialog>') == "early"
    assert shown(1, "partial", '<dialog id="2"><state>confirmed</state></dialog>') == "confirmed, early"
    assert not reader.wants_full
    assert shown(3, "partial", "") == "confirmed, early"
    assert reader.wants_full
    assert shown(4, "full", "") == "no call"
    assert not reader.wants_full


def test_what_is_not_read_here_and_what_is_broken() -> None:
    assert read_body("text/plain", b"x") is None
    with pytest.raises(DocumentError):
        read_body(PIDF, b"<presence")
