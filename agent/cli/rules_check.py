"""``lamplighter rules check``"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import JsonOption
from agent.errors import EXIT_PROBLEM
from rules.files import load_file
from rules.problems import RulesError
from rules.yaml_marks import Problem

RulesOption = Annotated[Path, typer.Option("--rules", "-r", help="The rules file.")]
DEFAULT_RULES = Path("rules.yaml")


def command(
    file: Annotated[Path, typer.Argument(help="The rules file.")] = DEFAULT_RULES,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count what is doubtful as a problem too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a rules file: every problem at once, by line and column, and rules that can never win.

    Example: lamplighter rules check rules.yaml
    """
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    correct = ""
    try:
        loaded = load_file(file)
    except RulesError as error:
        problems = error.problems
    else:
        warnings = loaded.warnings
        counts = f"{len(loaded.rules)} rules, {len(loaded.states)} states, {len(loaded.tests)} tests"
        correct = f"{file}: correct ({counts})"
    if as_json:
        found = {
            "problems": [asdict(problem) for problem in problems],
            "warnings": [asdict(one) for one in warnings],
        }
        print(json.dumps({"file": str(file), **found}, indent=2, ensure_ascii=False))
    else:
        lines = [*map(str, problems), *(f"{warning} [doubtful]" for warning in warnings)]
        print("\n".join([*lines, correct or f"{len(problems)} problem{'s' * (len(problems) > 1)}"]))
    if problems or (strict and warnings):
        raise typer.Exit(EXIT_PROBLEM)
