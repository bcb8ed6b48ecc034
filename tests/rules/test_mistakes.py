"""A file full of planted mistakes: each is found, at its place, with its remedy, all at once."""

from pathlib import Path

import pytest

import rules
from rules import RulesError

MISTAKES = Path(__file__).parent / "mistakes.yaml"

EXPECTED = [
    (5, 16, "`shut`", "closed"),
    (5, 35, "`bussy`", "did you mean `busy`?"),
    (6, 17, "`happpy`", "did you mean `happy`?"),
    (7, 13, "circle: b → a → b", None),
    (9, 15, "not well formed", None),
    (10, 17, "prefix `office`", "namespaces"),
    (11, 11, "`ofice`", "pack"),
    (12, 14, "`buzy`", "did you mean `busy`?"),
    (13, 1, "`rulez`", "did you mean `rules`?"),
    (16, 5, "`wen`", "did you mean `when`?"),
    (19, 18, "`talkng`", "did you mean `talking`?"),
    (20, 19, "`on-the-fone`", "did you mean `on-the-phone`?"),
    (22, 12, "`calender`", "did you mean `calendar`?"),
    (23, 30, "`calendar.end`", "did you mean `calendar.ends`?"),
    (25, 25, "`25:00`", None),
    (25, 40, "`fry`", None),
    (28, 33, "`soon`", None),
    (29, 31, "`bright`", None),
    (30, 11, "already in line 27", "another name"),
    (31, 28, "country `ZZ`", None),
    (32, 11, "sets nothing", None),
    (34, 17, "list of conditions", "dash"),
    (35, 11, "`ever`", None),
    (38, 32, "true or false", None),
    (38, 50, "`many`", None),
    (39, 30, "single {", "{{"),
    (42, 23, "`bussy`", None),
    (43, 14, "`10:99`", None),
    (43, 37, "`lost`", None),
]


def problems_of(text: str, **more):
    with pytest.raises(RulesError) as caught:
        rules.load(text, "rules.yaml", **more)
    return caught.value.problems


@pytest.fixture(scope="module")
def planted():
    return {(one.line, one.column): one for one in problems_of(MISTAKES.read_text())}


@pytest.mark.parametrize(("line", "column", "words", "hint"), EXPECTED)
def test_each_is_found_at_its_place(planted, line, column, words, hint):
    assert (line, column) in planted, "\n".join(map(str, planted.values()))
    problem = planted[line, column]
    assert words in problem.message
    assert hint is None or hint in (problem.hint or "")


def test_nothing_else_is_found(planted):
    assert {(line, column) for line, column, _, _ in EXPECTED} >= set(planted) - {(8, 13)}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("version: 1\nrules:\n\t- name: x\n", 3, "tab"),
        ("version: 1\nversion: 1\n", 2, "twice"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("rules: []\n", 1, "`version` is missing"),
        ("version: 2\n", 1, "version `2`"),
        ("version: 1\nrules: [oops\n", 3, "expected"),
        ("version: 1\nstates: {x: {xml: '<!DOCTYPE r []><r/>'}}\n", 2, "not well formed"),
        ("version: 1\nnamespaces: {x: 'urn:ietf:params:xml:ns:pidf'}\n", 2, "cannot be your namespace"),
    ],
)
def test_bad_files(text, line, words):
    assert any(one.line == line and words in one.message for one in problems_of(text)), problems_of(text)


def test_an_alias_bomb_is_refused_quickly():
    lines = ["version: 1", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert any("alias" in one.message for one in problems_of("\n".join(lines)))


def test_problems_of_included_files_name_them_and_their_lines():
    files = {
        "more.yaml": "version: 1\nrules:\n  - {name: x, then: {state: dnnd}}\n",
        "states": "version: 1\nstates: {dnd: {}}",
    }
    found = problems_of("version: 1\ninclude: more.yaml\n", reader=lambda name, _: (files[name], name))
    assert [(one.file, one.line) for one in found] == [("more.yaml", 3)]


def test_files_that_include_one_another():
    files = {"a.yaml": "version: 1\ninclude: b.yaml\n", "b.yaml": "version: 1\ninclude: a.yaml\n"}
    files["states"] = "version: 1\nstates: {unknown: {}, available: {}}"
    found = problems_of(files["a.yaml"], reader=lambda name, _: (files[name], name))
    assert any("circle" in one.message for one in found)


def test_a_rule_that_can_never_win_is_doubted():
    text = """
version: 1
rules:
  - {name: chosen, when: {manual: set}, then: {state: "{manual.state}"}}
  - {name: any call, when: {call: [talking, held]}, then: {state: on-the-phone}}
  - {name: long call, when: {call: talking, group: sales}, then: {state: dnd}}
  - {name: long call at the office, when: {call: talking, place: Berlin}, then: {state: dnd, place: Berlin}}
"""
    warnings = rules.load(text).warnings
    assert [(one.line, one.message) for one in warnings] == [(6, "the rule `long call` can never win")]
