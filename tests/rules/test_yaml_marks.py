"""Mistakes in YAML are told by line and column, all at once, and nothing hostile gets through."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules import yaml_marks
from rules.yaml_marks import Mark, closest, read_yaml


def problems(text):
    return [str(problem) for problem in read_yaml(text, "f.yaml").problems]


def test_values_and_their_places():
    marked = read_yaml("rules:\n  - name: one\n    when: {call: talking}\n", "f.yaml")
    assert marked.data == {"rules": [{"name": "one", "when": {"call": "talking"}}]}
    assert marked.value_marks["rules", 0, "when", "call"] == Mark(3, 18)
    assert marked.key_marks["rules", 0, "when", "call"] == Mark(3, 12)
    assert marked.mark(("rules", 0, "then", "state")) == Mark(2, 5)  # absent: the rule that lacks it
    assert marked.mark(("rules", 0, "when"), of_key=True) == Mark(3, 5)


def test_words_of_admins_stay_words():
    text = "a: on\nb: 12:00\nc: no\nd: 2026-03-02\ne: 0123\nf: yes\n12: twelve\noff: 1\n"
    assert read_yaml(text, "f").data == {
        "a": "on", "b": "12:00", "c": "no", "d": "2026-03-02", "e": "0123", "f": "yes", "12": "twelve", "off": 1,
    }  # fmt: skip


def test_numbers_truth_and_nothing():
    assert read_yaml("[1, -2, 2.5, true, false, null, ~, '1', ]", "f").data == [
        1, -2, 2.5, True, False, None, None, "1",
    ]  # fmt: skip


def test_every_duplicate_key_is_told_at_once():
    assert problems("a: 1\nb: {x: 1, x: 2}\na: 2\n") == [
        "f.yaml:2:11: 'x' is here twice (first in line 2)",
        "f.yaml:3:1: 'a' is here twice (first in line 1)",
    ]


def test_every_tab_is_told_at_once():
    assert problems("a:\n\tb: 1\n  \tc: 2\n") == [
        "f.yaml:2:1: a tab in the indentation (YAML indents with spaces only)",
        "f.yaml:3:3: a tab in the indentation (YAML indents with spaces only)",
    ]


def test_a_tab_inside_a_text_is_content():
    assert read_yaml("a: |\n  x\n  \ty\n", "f").data == {"a": "x\n\ty\n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c\n", "f.yaml:1:5: mapping values are not allowed here (a text with a colon"),
        ("a: {b: ${C}}\n", "f.yaml:1:9: expected ',' or '}', but got '{' (a text with { in it needs quotes"),
        ("a: *x\n", "f.yaml:1:4: found undefined alias 'x' (a text that begins with * needs quotes)"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins (remove the line ---)"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4: the tag "),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a word"),
        ("a: \x01\n", "f.yaml:1:4: the character U+0001 is not allowed"),
        ("a: [1\n", "f.yaml:2:1: expected ',' or ']'"),
        ("x: &a [*a]\n", "f.yaml:1:4: an alias inside what it stands for"),
        ("[" * 5000, "f.yaml:1:1: nested deeper than"),
        ("[" * 60 + "]" * 60, "f.yaml:1:52: nested deeper than"),
    ],
)
def test_mistakes(text, expected):
    (problem,) = problems(text)
    assert problem.startswith(expected)


def test_an_alias_is_a_copy_but_a_bomb_is_not_built():
    assert read_yaml("a: &x {k: 1}\nb: *x\n", "f").data == {"a": {"k": 1}, "b": {"k": 1}}
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "aliases add more than" in problem


def test_closest():
    assert closest("calender", ["calendar", "call"]) == "calendar"
    assert closest("xyzzy", ["calendar", "call"]) is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_explained(text):
    marked = read_yaml(text, "f.yaml")
    for problem in marked.problems:
        assert problem.line >= 1 and problem.column >= 1 and problem.message


SAMPLE = """\
# comment
a: {b: [1, 'two', on], ü: "x\\ny"}
c:
  - &x d: ~
    e: |
      text
  - *x
  -
f: >-
  folded
  text
"""


def test_with_and_without_libyaml_it_is_the_same(monkeypatch):
    assert yaml.__with_libyaml__
    fast = read_yaml(SAMPLE, "f")
    monkeypatch.setattr(yaml_marks, "_FAST", None)
    slow = read_yaml(SAMPLE, "f")
    assert fast == slow
    assert fast.data["a"] == {"b": [1, "two", "on"], "ü": "x\ny"}
    assert not fast.problems


@pytest.mark.parametrize("text", ["[" * 1_000_000, "{a: " * 100_000, "- " * 100_000, "[" * 60 + "]" * 60])
def test_too_deep_is_told_and_not_fatal(text):
    (problem,) = problems(text)
    assert "nested deeper than" in problem
