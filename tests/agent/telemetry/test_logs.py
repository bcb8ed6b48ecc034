import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telemetry.logs import Repeats, configure_logging


@pytest.fixture
def log_to():
    """`log_to(level, style)` configures logging to a buffer; the process's own set-up comes back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configure(log_level="info", style="text"):
        stream = io.StringIO()
        configure_logging(log_level, style, stream)
        return stream

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)


logger = logging.getLogger("lamplighter.test")


def test_a_text_line(log_to):
    stream = log_to()
    logger.warning(
        "calendar %s is silent", "office", extra={"fields": {"since_seconds": 90, "why": "no route"}}
    )
    line = stream.getvalue()
    assert line.endswith('WARNING test: calendar office is silent since_seconds=90 why="no route"\n')
    assert line.split(" ")[0].endswith("Z")


def test_a_json_line(log_to):
    stream = log_to(style="json")
    logger.info("linked", extra={"fields": {"person": "alice", "message": "x", "password": "hunter2"}})
    line = json.loads(stream.getvalue())
    assert line["message"] == "linked"
    assert line["level"] == "info"
    assert line["logger"] == "lamplighter.test"
    assert (line["person"], line["field_message"], line["password"]) == ("alice", "x", "[redacted]")


def test_auto_is_json_when_nobody_looks(log_to):
    stream = log_to(style="auto")
    logger.info("x")
    json.loads(stream.getvalue())


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_in_neither_the_line_nor_the_trace(log_to, style):
    stream = log_to("debug", style)
    try:
        raise ValueError("https://alice:hunter2@cal.example.org/")
    except ValueError:
        logger.exception("refused: %s", "https://alice:hunter2@cal.example.org/")
    assert "hunter2" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_foreign_text_cannot_forge_a_line(log_to):
    stream = log_to()
    logger.info("agent %s", "x\n2026 ERROR forged\x1b[2J", extra={"fields": {"ua": "y\nz"}})
    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    assert r"x\n2026 ERROR forged\x1b[2J" in line


def test_chatty_libraries_are_quiet(log_to):
    stream = log_to("debug")
    logging.getLogger("apscheduler.scheduler").info("job added")
    logging.getLogger("apscheduler.scheduler").warning("missed")
    assert "job added" not in stream.getvalue()
    assert "missed" in stream.getvalue()


def test_repeats():
    repeats = Repeats(interval=60)
    answers = [repeats.admit("192.0.2.1", now) for now in (0, 1, 59, 60, 61, 120, 500)]
    assert answers == [0, None, None, 2, None, 1, 0]
    assert repeats.admit("192.0.2.2", 1) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100)), max_size=200))
def test_repeats_count_everything_and_stay_small(events):
    repeats, now, admitted, held = Repeats(interval=10, keys=100), 0.0, 0, 0
    told = 0
    for key, pause in events:
        now += pause
        answer = repeats.admit(key, now)
        if answer is None:
            held += 1
        else:
            admitted += 1
            told += answer
    assert admitted + held == len(events)
    assert told <= held


def test_repeats_forget_the_oldest():
    repeats = Repeats(keys=2)
    for key in "abc":
        repeats.admit(key, 0)
    assert repeats.admit("c", 1) is None
    assert repeats.admit("a", 1) == 0
