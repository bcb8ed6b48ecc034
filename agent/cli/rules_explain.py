"""``lamplighter explain`` and ``lamplighter rules explain``"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import JsonOption
from agent.cli.rules_check import DEFAULT_RULES, RulesOption
from agent.cli.rules_given import (
    GROUP_OPTION,
    ICS_OPTION,
    PRIVACY_OPTION,
    ROLE_OPTION,
    TIMEZONE_OPTION,
    WORDS_OPTION,
    parse_time,
    read_given,
    whom,
)
from agent.clock import SystemClock
from connectors.privacy import Privacy
from rules.explain import explain
from rules.files import load_file
from rules.outlook import outlook
from rules.timeline import play


def command(
    person: Annotated[str, typer.Argument(help="Whom to explain.")],
    rules: RulesOption = DEFAULT_RULES,
    at: Annotated[
        str | None, typer.Option("--at", help="When, e.g. 2026-03-02T10:21; now by default.")
    ] = None,
    given: Annotated[list[str] | None, WORDS_OPTION] = None,
    ics: Annotated[list[Path] | None, ICS_OPTION] = None,
    group: Annotated[list[str] | None, GROUP_OPTION] = None,
    role: Annotated[list[str] | None, ROLE_OPTION] = None,
    privacy: Annotated[Privacy, PRIVACY_OPTION] = Privacy.BUSY,
    timezone: Annotated[str, TIMEZONE_OPTION] = "UTC",
    fired: Annotated[bool, typer.Option("--fired", help="Only the rules that apply.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say why somebody is shown as they are: each rule, each condition, the fact, its source and its age.

    Example: lamplighter rules explain alice --at 2026-03-02T10:21 --given "calendar=busy 10:00-11:00"
    """
    loaded = load_file(rules)
    who = whom(person, timezone, group or [], role or [], privacy)
    now = parse_time(at, timezone) if at is not None else SystemClock().now()
    start = now - timedelta(days=1)
    known = read_given(given or [], ics or [], who, start, now)
    # The day before is played through, so that what must have held for a while has.
    steps = play(loaded, who, known.at, known.moments(start, now), start, now)
    memory = steps[-1].evaluation.memory if steps else None
    answer = outlook(loaded, who, known.at(now), now, memory)
    if as_json:
        print(json.dumps(answer.trace.to_json(), indent=2, ensure_ascii=False))
    else:
        print(explain(answer, who, every_rule=not fired))
