"""``tests:`` of a rules file: what is given, and what is expected when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from connectors.facts import FactKind
from rules import load_values as read
from rules.person import Person
from rules.problems import Problems
from rules.script import Entry, Script, parse_entry
from rules.source import Node
from rules.values import ValueProblem, time_of_day

A_MONDAY = date(2026, 3, 2)
"Tests without a date of their own take place on it."

CASE_KEYS = ("name", "given", "expect", "person", "date", "timezone")
PERSON_KEYS = ("key", "name", "group", "role", "privacy")
EXPECT_KEYS = (
    "state", "rule", "note", "place", "basic", "lamp", "importance", "sphere", "activities", "mood", "place_type",
)  # fmt: skip
NOTHING = "nothing"
"Expected state: no rule says anything."


@dataclass(frozen=True, slots=True)
class Expectation:
    """At ``start``, or all the time from ``start`` to ``end``."""

    start: timedelta
    end: timedelta | None
    wanted: tuple[tuple[str, tuple[str, ...]], ...]
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class TestCase:
    name: str
    file: str
    line: int
    person: Person
    script: Script
    expect: tuple[Expectation, ...]

    __test__ = False


@dataclass(slots=True)
class CaseLoader:
    problems: Problems
    states: Collection[str]
    rules: Collection[str]

    def load(self, node: Node, number: int) -> TestCase | None:
        before = len(self.problems.found)
        pairs = read.mapping(node, self.problems, "the test", CASE_KEYS)
        name = pairs["name"].text if "name" in pairs else f"test {number}"
        timezone = read.timezone(pairs["timezone"], self.problems) if "timezone" in pairs else "UTC"
        day = read.converted(pairs["date"], self.problems, "`date`", _date) if "date" in pairs else A_MONDAY
        person = self._person(pairs.get("person"), timezone or "UTC")
        entries = self._given(pairs["given"]) if "given" in pairs else ()
        expect = self._expect(pairs["expect"]) if "expect" in pairs else ()
        if "expect" not in pairs:
            self.problems.add(node, f"the test `{name}` expects nothing", 'add `expect: {"10:00": dnd}`')
        if len(self.problems.found) > before:
            return None
        script = Script(day or A_MONDAY, person.timezone, entries, person=person.key)
        return TestCase(name, node.file, node.line, person, script, expect)

    def _person(self, node: Node | None, timezone: str) -> Person:
        if node is None:
            return Person("somebody", timezone=timezone)
        if node.kind == "text":
            return Person(node.text, timezone=timezone)
        pairs = read.mapping(node, self.problems, "`person`", PERSON_KEYS)
        words = {
            name: tuple(read.texts(value, self.problems, f"`{name}`") or ()) for name, value in pairs.items()
        }

        def first(name: str, default: str) -> str:
            return next(iter(words.get(name, ())), default)

        return Person(
            first("key", "somebody"),
            first("name", ""),
            words.get("group", ()),
            words.get("role", ()),
            timezone,
            first("privacy", "busy"),
        )

    def _given(self, node: Node) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        for name, value in read.mapping(node, self.problems, "`given`", list(FactKind)).items():
            entry = partial(parse_entry, FactKind(name))
            for item in value.listed():
                one = read.converted(item, self.problems, f"`{name}`", entry)
                if one is not None:
                    entries.append(one)
        return tuple(entries)

    def _expect(self, node: Node) -> tuple[Expectation, ...]:
        if node.kind != "map":
            self.problems.add(
                node, "`expect` must be a mapping from times to states", 'write it like {"10:05": dnd}'
            )
            return ()
        found: list[Expectation] = []
        for key, value in node.pairs:
            first, _, last = key.text.partition("-")
            try:
                start, end = time_of_day(first), time_of_day(last) if last else None
            except ValueProblem as problem:
                self.problems.add(key, str(problem))
                continue
            wanted = self._wanted(value)
            found.append(Expectation(start, end, wanted, value.file, value.line, value.column))
        return tuple(found)

    def _wanted(self, node: Node) -> tuple[tuple[str, tuple[str, ...]], ...]:
        pairs = {"state": node}
        if node.kind == "map":
            pairs = read.mapping(node, self.problems, "the expectation", EXPECT_KEYS)
        wanted: list[tuple[str, tuple[str, ...]]] = []
        for name, value in pairs.items():
            if value.kind == "null" or (value.kind == "list" and not value.items):
                wanted.append((name, ()))
                continue
            words = tuple(read.texts(value, self.problems, f"`{name}`") or ())
            known = {"state": [*self.states, NOTHING], "rule": self.rules}.get(name)
            if known is not None and words and words[0] not in known:
                self.problems.unknown(value, f"the {name}", known)
            wanted.append((name, words))
        return tuple(wanted)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueProblem(f"`{text}` is not a date; write it like 2026-03-02") from error
