"""The board fits where it is shown."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from agent.demo.board import LEAST_HEIGHT, LEAST_WIDTH, View, board
from agent.demo.ledger import Ledger
from agent.demo.organisation import ALICE, MEMBERS
from agent.demo.scenario import FREE, Cause, Seen, Step

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOTE = "In a meeting [bold] until 13:00"
NOTIFY = "NOTIFY sip:watcher@127.0.0.1:4 SIP/2.0\r\nCSeq: 7 NOTIFY\r\n\r\n" + "<presence>" + "x" * 900


def shown(width: int, height: int, messages: int) -> list[str]:
    ledger = Ledger({"reception": MEMBERS}, {member.key: FREE for member in MEMBERS})
    seen = Seen("closed", ("busy",), NOTE)
    ledger.expect(Step(NOON, ALICE, Cause.CLOCK, "a meeting begins", seen))
    ledger.expect(Step(NOON + timedelta(hours=1), ALICE, Cause.CLOCK, "a meeting ends", FREE))
    ledger.saw("reception", "alice", FREE, NOON.timestamp() - 9)
    ledger.saw("reception", "alice", seen, NOON.timestamp() + 0.0042)
    rows = [
        {
            "person": member.key,
            "name": member.name,
            "state": "dnd" if member == ALICE else "available",
            "note": NOTE if member == ALICE else None,
            "until": (NOON + timedelta(hours=1)).isoformat() if member == ALICE else None,
            "rule": "meeting means DND" if member == ALICE else None,
            "lamp": "lit" if member == ALICE else "dark",
        }
        for member in MEMBERS
    ]
    message = {
        "at": NOON.timestamp(), "direction": "sent", "transport": "udp", "peer": "127.0.0.1:4", "text": NOTIFY
    }  # fmt: skip
    view = View(NOON, rows, [message] * messages, 5060)
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(board(view, ledger, UTC, width, height))
    return console.export_text().splitlines()


@pytest.mark.parametrize("messages", [0, 1, 60])
@pytest.mark.parametrize("width", [LEAST_WIDTH, 120, 200])
@pytest.mark.parametrize("height", [LEAST_HEIGHT, 29, 30, 43, 80])
def test_it_fills_its_place_and_no_more(width: int, height: int, messages: int) -> None:
    lines = shown(width, height, messages)
    assert height - 1 <= len(lines) <= height
    assert max(map(len, lines)) <= width


def test_it_says_who_is_what_by_which_rule_until_when_and_how_long_it_took() -> None:
    text = "\n".join(shown(140, 50, 3))
    [row] = [line for line in text.splitlines() if "Alice Archer" in line]
    for word in ("●", "dnd", NOTE, "13:00:00", "meeting means DND", "4 ms"):
        assert word in row
    assert "in 3600 s" in text and "CSeq: 7 NOTIFY" in text
    assert text.count("x") >= 900, "long lines go on in the next one"
