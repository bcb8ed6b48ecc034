"""The benches run, and the hot paths have not become much dearer than what is recorded."""

import subprocess
import sys

import pytest

from tests.bench import ten_oclock
from tests.bench.compare import Row, table
from tests.bench.flame import Frame, drawn, folders, stacks
from tests.bench.machine import build_load
from tests.bench.picture import draw
from tests.bench.recorded import compared
from tests.bench.servers import lamplighter


def test_the_load_is_answered_and_every_watcher_told(tmp_path) -> None:
    program = build_load(tmp_path)
    with lamplighter(tmp_path) as (port, _):
        done = subprocess.run(
            [program, str(port), "5", "3", "4", "rounds", "2"], capture_output=True, text=True
        )
    phases = [line for line in done.stdout.splitlines() if '"missing": 0' in line]
    assert (done.returncode, len(phases)) == (0, 4), done.stdout + done.stderr


def test_a_small_storm_lights_every_lamp(tmp_path) -> None:
    found = ten_oclock.lamps(tmp_path, people=20, watchers=2, ahead=3)
    assert 0 <= found["first_ms"] <= found["last_ms"] < 10_000


def test_subscriptions_and_publications_are_small() -> None:
    code = (
        "import asyncio, tracemalloc; from tests.bench.memory_bench import measure, traced; tracemalloc.start();"
        "sizes = asyncio.run(measure(1_000, traced, 500)); print(sizes);"
        "raise SystemExit(not (500 < sizes['subscription'] < 4_000 and 500 < sizes['publication'] < 6_000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_has_become_dearer_is_named() -> None:
    before = {"calls": {"publish": 400, "subscribe": 600}}
    text, good = compared({"calls": {"publish": 499, "subscribe": 610, "notify": 10}}, before)
    assert good and "+25%" in text
    text, good = compared({"calls": {"publish": 501, "subscribe": 610}}, before)
    assert not good and "more than 25% dearer" in text


@pytest.mark.parametrize("theirs", [None, 100.0])
def test_table_and_picture_with_and_without_kamailio(theirs: float | None) -> None:
    rows = [
        Row("10 × 2, 5", "NOTIFY & co", "/s", 200.0, theirs, "≥ 2 ×"),
        Row("10 × 2", "last", "ms", 5, None),
    ]
    assert ("2.00" in table(rows)) is (theirs is not None)
    assert ("NOTIFY &amp; co" in draw(rows)) is (theirs is not None)


SAMPLES = """\
lamplighter 70
      1a2b tupledealloc (/usr/lib/libpython3.11.so.1.0)
      1a2c CPyDef_sip___values___parse_via (/x/lamplighter__mypyc.so)
      1a2d CPyDef_driver___Driver____dispatch.localalias (inlined)
      1a2e CPyPy_driver___Driver____dispatch (/x/lamplighter__mypyc.so)

lamplighter 70
      ffff do_syscall_64 ([kernel.kallsyms])
      1a2d CPyDef_driver___Driver____dispatch.localalias (inlined)

lamplighter 71
      2b2b sqlite3_step (/usr/lib/libsqlite3.so.0)
"""


def test_a_flame_graph_names_our_functions_and_what_else_took_time() -> None:
    found = list(stacks(SAMPLES, folders(), main_thread=70))
    assert found == [
        [("Driver._dispatch", "net"), ("parse_via", "sip")],
        [("Driver._dispatch", "net"), ("kernel", "")],
        [("the database's thread", "store"), ("SQLite", "")],
    ]
    root = Frame("all")
    for stack in found:
        root.add(stack)
    assert root.callees["Driver._dispatch", "net"].samples == 2
    assert "Driver._dispatch agent/net: 66.7%" in drawn(root, "two & one")
