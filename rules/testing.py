"""Runs the ``tests:`` of a rules file over virtual days, and says which rules they never used."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.cases import NOTHING, Expectation, TestCase
from rules.decision import Decision
from rules.model import RuleSet
from rules.person import zone
from rules.timeline import Step, play

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Miss:
    """An expectation that was not met, with its place in the file."""

    at: datetime
    what: str
    wanted: str
    got: str
    rule: str
    "The rule that set what was got; empty when none did."
    file: str
    line: int
    column: int

    def __str__(self) -> str:
        why = f"set by the rule `{self.rule}`" if self.rule else "no rule set it"
        return (
            f"{self.file}:{self.line}:{self.column}: at {self.at:%H:%M} {self.what} should be {self.wanted}, "
            f"but is {self.got} ({why})"
        )


@dataclass(frozen=True, slots=True)
class CaseResult:
    case: TestCase
    misses: tuple[Miss, ...]
    used: frozenset[str]
    "Names of the rules that decided something in its course."

    @property
    def passed(self) -> bool:
        return not self.misses


@dataclass(frozen=True, slots=True)
class TestReport:
    results: tuple[CaseResult, ...]
    rules: tuple[str, ...]

    __test__ = False

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)

    @property
    def used(self) -> frozenset[str]:
        return frozenset().union(*(result.used for result in self.results))

    @property
    def never_used(self) -> tuple[str, ...]:
        return tuple(name for name in self.rules if name not in self.used)

    @property
    def coverage(self) -> float:
        """Share of the rules that decided something in some test; 1.0 for a file without rules."""
        return 1 - len(self.never_used) / len(self.rules) if self.rules else 1.0


def run_tests(rules: RuleSet, cases: tuple[TestCase, ...] | None = None) -> TestReport:
    """Run the file's own cases, or those given (from a file beside it)."""
    results = tuple(run_case(rules, case) for case in (rules.tests if cases is None else cases))
    return TestReport(results, tuple(rule.name for rule in rules.rules))


def run_case(rules: RuleSet, case: TestCase) -> CaseResult:
    script = case.script
    ends = [expected.end or expected.start for expected in case.expect]
    start, end = script.at(timedelta()), script.at(max([_DAY, *ends])) + timedelta(seconds=1)
    asked = {script.at(expected.start) for expected in case.expect}
    steps = play(rules, case.person, script.facts, script.moments() | asked, start, end)
    misses = tuple(miss for expected in case.expect for miss in _missed(case, expected, steps))
    used = frozenset(name for step in steps for name in step.evaluation.decision.because.values())
    return CaseResult(case, misses, used)


def _missed(case: TestCase, expected: Expectation, steps: list[Step]) -> Iterator[Miss]:
    """The first thing that is wrong of each attribute."""
    start = case.script.at(expected.start)
    length = _DAY if expected.end is not None and expected.end < expected.start else timedelta()
    end = case.script.at(expected.end + length) if expected.end is not None else None
    shown = [step for step in steps if step.at == start or (end is not None and start < step.at < end)]
    for what, wanted in expected.wanted:
        for step in shown:
            decision = step.evaluation.decision
            got, rule = _got(decision, what, wanted)
            if got != wanted:
                place = (expected.file, expected.line, expected.column)
                local = step.at.astimezone(zone(case.script.timezone))
                yield Miss(local, what, _words(wanted), _words(got), rule, *place)
                break


def _got(decision: Decision, what: str, wanted: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    because = decision.because
    match what:
        case "state":
            if wanted == (NOTHING,):
                return ((NOTHING,) if "state" not in because else (decision.state,)), because.get("state", "")
            return (decision.state,), because.get("state", "")
        case "rule":
            return (because.get("state", ""),), because.get("state", "")
        case "note":
            return tuple(note.text for note in decision.notes), because.get("notes", "")
        case "activities":
            return decision.activities, because.get("activities", "")
        case "mood":
            return decision.moods, because.get("moods", "")
        case "place_type":
            return decision.place_types, because.get("place_types", "")
        case "basic":
            return ((decision.basic.value,) if decision.basic else ()), because.get("basic", "")
        case "lamp":
            return (decision.lamp.value,), because.get("lamp", "")
        case _:
            value = getattr(decision, what)
            return ((value,) if value else ()), because.get(what, "")


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "nothing"
