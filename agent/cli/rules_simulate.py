"""``lamplighter rules simulate``"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

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
from agent.errors import UserError
from connectors.privacy import Privacy
from rules.files import load_file
from rules.person import zone
from rules.picture import html, svg
from rules.simulate import Difference, Track, differences, simulate, to_json

LONGEST = timedelta(days=62)


def command(
    person: Annotated[list[str], typer.Argument(help="Whose days.")],
    rules: RulesOption = DEFAULT_RULES,
    start: Annotated[
        str | None, typer.Option("--from", help="From, e.g. 2026-03-02; today by default.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="To (not included); a day later by default.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="Another rules file: what would change?")] = None,
    given: Annotated[list[str] | None, WORDS_OPTION] = None,
    ics: Annotated[list[Path] | None, ICS_OPTION] = None,
    group: Annotated[list[str] | None, GROUP_OPTION] = None,
    role: Annotated[list[str] | None, ROLE_OPTION] = None,
    privacy: Annotated[Privacy, PRIVACY_OPTION] = Privacy.BUSY,
    timezone: Annotated[str, TIMEZONE_OPTION] = "UTC",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a picture: .svg or .html.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play days or weeks through the rules, as a table, as JSON, or as a picture.

    Example: lamplighter rules simulate alice --from 2026-03-02 --to 2026-03-09 --ics alice.ics -o week.html
    """
    if output is not None and output.suffix not in (".svg", ".html"):
        raise UserError(f"{output}: a picture is an .svg or .html file")
    first, last = _span(start, end, timezone)
    tracks: list[Track] = []
    changed: list[Difference] = []
    sets = (
        [("", load_file(rules))]
        if against is None
        else [(rules.name, load_file(rules)), (against.name, load_file(against))]
    )
    for key in person:
        who = whom(key, timezone, group or [], role or [], privacy)
        known = read_given(given or [], ics or [], who, first, last)
        moments = known.moments(first, last)
        own = [simulate(loaded, who, known.at, moments, first, last, title) for title, loaded in sets]
        changed += differences(own[0], own[1]) if len(own) == 2 else []
        tracks += own
    if output is not None:
        drawn = svg(tracks, first, last) if output.suffix == ".svg" else html(tracks, first, last, changed)
        output.write_text(drawn, encoding="utf-8")
    if as_json:
        print(json.dumps(to_json(tracks, changed), indent=2, ensure_ascii=False))
    elif output is None:
        _print(tracks, changed, compared=against is not None)


def _span(start: str | None, end: str | None, timezone: str) -> tuple[datetime, datetime]:
    whom("", timezone, [], [], Privacy.BUSY)
    now = SystemClock().now().astimezone(zone(timezone))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    first = parse_time(start, timezone) if start is not None else midnight
    last = parse_time(end, timezone) if end is not None else first + timedelta(days=1)
    if not first < last <= first + LONGEST:
        raise UserError("--to must be later than --from, by no more than 62 days")
    return first, last


def _print(tracks: list[Track], changed: list[Difference], *, compared: bool) -> None:
    console = Console()
    for track in tracks:
        here = zone(track.person.timezone)
        table = Table(title=" · ".join(filter(None, (track.person.name, track.title))), title_justify="left")
        for heading in ("from", "to", "state", "lamp", "note", "place", "rule"):
            table.add_column(heading)
        for one in track.segments:
            decision = one.decision
            times = (f"{one.start.astimezone(here):%a %d %b %H:%M}", f"{one.end.astimezone(here):%H:%M}")
            texts = (
                decision.state,
                decision.lamp.value,
                one.note,
                decision.place or "",
                one.rule or "no rule",
            )
            table.add_row(*times, *(Text(text) for text in texts))
        console.print(table)
    for change in changed:
        here = zone(change.person.timezone)
        when = f"{change.start.astimezone(here):%a %d %b %H:%M}–{change.end.astimezone(here):%H:%M}"
        states = f"{change.before.decision.state} → {change.after.decision.state}"
        console.print(Text(f"{change.person.name}: {when}: {states}"))
    if compared and not changed:
        console.print("nothing would change")
