"""`rules check | test | explain | simulate`, as they are typed."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agent.cli.main import main
from rules.shipped import pack_text

TESTS = Path(__file__).parents[2] / "rules"
ICS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:test\r
BEGIN:VEVENT\r
UID:1\r
DTSTART:20260302T100000Z\r
DTEND:20260302T110000Z\r
RRULE:FREQ=DAILY;COUNT=5\r
SUMMARY:Secret plans\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture
def office(tmp_path):
    (tmp_path / "office.yaml").write_text(pack_text("office"))
    (tmp_path / "alice.ics").write_text(ICS)
    return tmp_path


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    return ended.value.code or 0, shown.out, shown.err


def test_check_says_that_a_file_is_correct(capsys, office):
    code, out, _ = run(capsys, "rules", "check", office / "office.yaml")
    assert code == 0
    assert "correct (29 rules" in out


def test_check_names_every_problem_and_fails(capsys):
    code, out, _ = run(capsys, "rules", "check", TESTS / "mistakes.yaml")
    assert code == 1
    assert "mistakes.yaml:16:5: in the rule `wen` is not known (did you mean `when`?)" in out
    assert out.rstrip().endswith("30 problems")


def test_check_as_json(capsys):
    code, out, _ = run(capsys, "rules", "check", TESTS / "mistakes.yaml", "--json")
    assert code == 1
    assert {"line": 16, "column": 5}.items() <= json.loads(out)["problems"][10].items()


def test_a_file_that_is_not_there(capsys, tmp_path):
    code, _, err = run(capsys, "rules", "check", tmp_path / "none.yaml")
    assert (code, "no such file" in err) == (1, True)


def test_the_tests_of_a_file_pass_and_coverage_is_told(capsys):
    code, out, _ = run(capsys, "rules", "test", TESTS / "example.yaml")
    assert code == 0
    assert "1 test, 0 failed; 40 % of the rules used" in out
    assert run(capsys, "rules", "test", TESTS / "example.yaml", "--coverage", "80")[0] == 1


def test_a_test_beside_the_file_that_fails_says_where_and_why(capsys, tmp_path):
    shutil.copy(TESTS / "example.yaml", tmp_path / "rules.yaml")
    (tmp_path / "rules.tests.yaml").write_text(
        'tests:\n  - name: wrong\n    given: {calendar: "busy 10:00-11:00"}\n    expect: {"10:05": available}\n'
    )
    code, out, _ = run(capsys, "rules", "test", tmp_path / "rules.yaml")
    assert code == 1
    assert (
        "rules.tests.yaml:4:23: at 10:05 state should be `available`, but is `dnd` "
        "(set by the rule `meeting means DND`)" in out
    )


def test_explain_a_call_during_a_meeting_at_home(capsys, office):
    code, out, _ = run(
        capsys, "rules", "explain", "alice", "--rules", office / "office.yaml", "--at", "2026-03-02T10:21",
        "--ics", office / "alice.ics", "--given", "call=talking from 10:20 to 10:25 on desk",
        "--given", "place=Home from 07:00 tag home",
    )  # fmt: skip
    assert code == 0
    assert "Alice is shown as On the phone (on-the-phone), because of the rule “on the phone”." in out
    assert "meeting means DND — applies, but “on the phone” came first" in out
    assert "the place: Home office   — from the rule “working from home”" in out
    assert "busy until 11:00   (from ics:alice.ics" in out
    assert "Secret" not in out


def test_explain_as_json(capsys, office):
    words = (
        "rules",
        "explain",
        "alice",
        "--rules",
        office / "office.yaml",
        "--at",
        "2026-03-02T10:21",
        "--json",
    )
    code, out, _ = run(capsys, *words)
    assert (code, json.loads(out)["state"]) == (0, "unknown")


def test_simulate_a_week_against_other_rules(capsys, office):
    other = office / "other.yaml"
    other.write_text("version: 1\nrules: [{name: meeting, when: {calendar: busy}, then: {state: meeting}}]\n")
    code, out, _ = run(
        capsys, "rules", "simulate", "alice", "--rules", office / "office.yaml", "--against", other,
        "--from", "2026-03-02", "--to", "2026-03-09", "--ics", office / "alice.ics", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert code == 0
    assert [track["rules"] for track in told["tracks"]] == ["office.yaml", "other.yaml"]
    assert [(one["start"], one["before"], one["after"]) for one in told["changes"]][:2] == [
        ("2026-03-02T10:00:00+00:00", "dnd", "meeting"),
        ("2026-03-03T10:00:00+00:00", "dnd", "meeting"),
    ]
    assert len(told["changes"]) == 5


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_the_picture_stands_by_itself(capsys, office, kind):
    picture = office / f"week.{kind}"
    code, _, err = run(
        capsys, "rules", "simulate", "alice", "--rules", office / "office.yaml", "--from", "2026-03-28",
        "--to", "2026-03-31", "--timezone", "Europe/Berlin", "--given", "calendar=busy 10:00-11:00",
        "-o", picture,
    )  # fmt: skip
    text = picture.read_text()
    assert (code, err) == (0, "")
    drawing = text[text.index("<svg") : text.index("</svg>") + 6]
    root = ElementTree.fromstring(drawing)
    tips = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
    assert sum("10:00–11:00 dnd" in tip for tip in tips) == 3
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "tomorrow"), "is not a time"),
        (("--given", "weather=sunny"), "no kind of fact"),
        (("--given", "call=sleeping"), "`sleeping` is not known for call"),
        (("--timezone", "Mars/Base"), "not a time zone"),
    ],
)
def test_bad_words_are_refused_with_the_remedy(capsys, office, words, told):
    code, _, err = run(capsys, "rules", "explain", "alice", "--rules", office / "office.yaml", *words)
    assert (code, told in err) == (1, True)


def test_simulate_for_members_of_a_group(capsys, tmp_path):
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nrules:\n"
        "  - {name: sales, when: {group: sales, role: lead, privacy: details}, then: {state: dnd}}\n"
        "  - {name: others, then: {state: available}}\n"
    )
    words = [
        "rules",
        "simulate",
        "alice",
        "--rules",
        tmp_path / "rules.yaml",
        "--from",
        "2026-03-02",
        "--json",
    ]
    for more, state in (
        ([], "available"),
        (["--group", "x", "--group", "sales", "--role", "lead", "--privacy", "details"], "dnd"),
    ):
        code, out, err = run(capsys, *words, *more)
        assert code == 0, err
        assert [one["state"] for one in json.loads(out)["tracks"][0]["segments"]] == [state]
