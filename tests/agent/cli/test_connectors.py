"""`lamplighter connectors`: what there is, and what a payload would become; mistakes in mappings by line and column."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import main as cli
from agent.settings import read_settings

SETTINGS = """\
domains: [example.org]
people:
  alice:
    sip: sip:alice@example.org
    emails: [alice@example.org]
connectors:
  doors:
    connector: webhook
    everyone: true
    settings:
      each: "events[]"
      subject: owner
      kind: place
      values: {zone: door}
      time: at
  calendars: {connector: caldav}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, settings: bool = True) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["connectors", *arguments, *(["--settings", str(path)] if settings else [])])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_list_and_show(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json")[1])}
    assert rows["webhook"]["entries"] == ["doors"] and rows["webhook"]["facts"][0] == "place"
    assert "webhook" in run("list")[1]
    code, out, _ = run("show", "webhook", settings=False)
    assert code == 0 and "JMESPath" in out and "signature" in out
    assert (
        "signature" in json.loads(run("show", "webhook", "--json", settings=False)[1])["schema"]["properties"]
    )
    code, _, err = run("show", "webhok", settings=False)
    assert code == 2 and "webhook" in err


def test_try_shows_the_facts_that_would_result(run: Run, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    event = {"owner": "alice@example.org", "door": "north", "at": "2026-03-02T08:58:12Z"}
    payload.write_text(json.dumps({"events": [event, {"owner": "nobody", "door": "south"}]}))
    code, out, _ = run("try", "doors", str(payload), "--json")
    told = json.loads(out)
    (fact,) = told["facts"]
    assert (code, told["status"], told["problem"]) == (0, 204, None)
    assert (fact["person"], fact["kind"], fact["value"]["zone"]) == ("alice", "place", "north")
    assert fact["observed_at"] == "2026-03-02T08:58:12+00:00"
    code, out, _ = run("try", "doors", str(payload), "--header", "X-Site: hq")
    assert code == 0 and "north" in out and "204" in out


@pytest.mark.parametrize(
    ("arguments", "body", "code", "word"),
    [
        (("try", "doors"), '{"events": []}', 1, "No facts"),
        (("try", "doors"), '{"events": [{"owner": "alice"}]}', 1, "zone"),
        (("try", "doors"), "{", 1, "JSON"),
        (("try", "dors"), "{}", 2, "doors"),
        (("try", "calendars"), "{}", 1, "nobody is linked"),
        (("try", "doors", "--person", "mallory"), "{}", 2, "mallory"),
        (("try", "doors", "--header", "nonsense"), "{}", 2, "header"),
    ],
)
def test_try_says_what_is_wrong(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], body: str, code: int, word: str
) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text(body)
    ended, out, err = run(*arguments[:2], str(payload), *arguments[2:])
    assert ended == code and word in out + err and "Traceback" not in out + err


@pytest.mark.parametrize(
    ("line", "place", "word"),
    [
        ('each: "events["', "11:13", "JMESPath"),
        ("kind: plaice", "11:13", "place"),
        ("values: {zone: {path: 'a.[', map: {}}}", "11:29", "JMESPath"),
        ("values: {zone: {path: a, regex: '('}}", "11:39", "regular expression"),
        ("values: {zoone: door}", "11:23", "zoone"),
        ("values: {present: came}", "11:15", "zone"),
        ("preset: radios", "11:15", "radius"),
        ("subjcet: owner", "11:7", "subject"),
        ("signature: {header: X-S, signed: '{timestamp}'}", "11:18", "body"),
        ("ttl: soon", "11:12", "duration"),
        ("restarted: reset", "11:18", "group"),
    ],
)
def test_mistakes_in_a_mapping_have_a_place(tmp_path: Path, line: str, place: str, word: str) -> None:
    base = ["subject: owner", "kind: place", "values: {zone: door}"]
    key = line.partition(":")[0]
    lines = [line, *(each for each in base if not each.startswith(key + ":"))]
    text = SETTINGS.partition("      each")[0] + "".join(f"      {each}\n" for each in lines)
    for everyone in ("    everyone: true\n", "    everyone: false\n"):
        path = tmp_path / "lamplighter.yaml"
        path.write_text(text.replace("    everyone: true\n", everyone))
        problems = read_settings(path, {}).problems
        told = [
            f"{problem.line}:{problem.column} {problem.message} {problem.hint or ''}" for problem in problems
        ]
        assert len(told) == 1 and told[0].startswith(place + " ") and word in told[0], told


def test_names_of_entries_are_parts_of_addresses(tmp_path: Path) -> None:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(
        "domains: [example.org]\nconnectors:\n  t: {connector: webhook}\n  a/b: {connector: caldav}\n"
    )
    told = {(problem.line, problem.column) for problem in read_settings(path, {}).problems}
    assert {(3, 3), (4, 3)} <= told
