"""``lamplighter rules test``"""

import json
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import JsonOption
from agent.cli.rules_check import DEFAULT_RULES
from agent.errors import EXIT_PROBLEM
from rules.files import load_cases, load_file
from rules.testing import TestReport, run_tests


def command(
    file: Annotated[Path, typer.Argument(help="The rules file.")] = DEFAULT_RULES,
    tests: Annotated[
        list[Path] | None,
        typer.Option("--tests", help="Files with more tests (FILE.tests.yaml beside is found)."),
    ] = None,
    coverage: Annotated[
        float, typer.Option("--coverage", help="Fail when fewer per cent of the rules are used.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Run the tests in a rules file, and those beside it, over virtual days.

    Example: lamplighter rules test rules.yaml --coverage 80
    """
    loaded = load_file(file)
    beside = file.with_suffix(".tests.yaml")
    cases = loaded.tests
    for more in [*(tests or []), *([beside] if beside.exists() and beside not in (tests or []) else [])]:
        cases += load_cases(more, loaded)
    report = run_tests(loaded, cases)
    if as_json:
        print(json.dumps(_json(report), indent=2, ensure_ascii=False))
    else:
        _print(report)
    if not report.passed or 100 * report.coverage < coverage:
        raise typer.Exit(EXIT_PROBLEM)


def _print(report: TestReport) -> None:
    for result in report.results:
        print(f"{'passed' if result.passed else 'FAILED'}  {result.case.name}")
        for miss in result.misses:
            print(f"        {miss}")
    failed = sum(not result.passed for result in report.results)
    count = len(report.results)
    tests = f"{count} test{'s' * (count != 1)}"
    print(f"{tests}, {failed} failed; {100 * report.coverage:.0f} % of the rules used")
    if report.never_used:
        print("never used: " + ", ".join(report.never_used))


def _json(report: TestReport) -> dict[str, object]:
    return {
        "passed": report.passed,
        "coverage": round(report.coverage, 4),
        "never_used": list(report.never_used),
        "tests": [
            {
                "name": result.case.name,
                "passed": result.passed,
                "misses": [str(miss) for miss in result.misses],
            }
            for result in report.results
        ],
    }
