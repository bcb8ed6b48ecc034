"""What `rules explain` and `rules simulate` are told of a person: words, and calendars in files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from agent.errors import UserError
from connectors.calendar_event import Reader
from connectors.errors import ConnectorError
from connectors.facts import CalendarValue, Fact, FactKind
from connectors.ical.read import read
from connectors.privacy import Privacy
from rules.person import Person, zone
from rules.script import Entry, Script, parse_entry
from rules.values import ValueProblem

MAX_FILE = 20 * 1024 * 1024


WORDS_OPTION = typer.Option(
    "--given", "-g", help="What is known, e.g. `call=talking from 10:20 to 10:25`; on each day."
)
ICS_OPTION = typer.Option("--ics", help="A calendar of the person, as iCalendar file.")
GROUP_OPTION = typer.Option(help="A group of the person; may be given several times.")
ROLE_OPTION = typer.Option(help="A role of the person; may be given several times.")
PRIVACY_OPTION = typer.Option(help="What may be said of meetings: busy, category or details.")
TIMEZONE_OPTION = typer.Option("--timezone", help="The person's time zone.")


def whom(key: str, timezone: str, groups: Sequence[str], roles: Sequence[str], privacy: Privacy) -> Person:
    """Raises UserError for a time zone that does not exist."""
    try:
        zone(timezone)
    except (ValueError, OSError, KeyError):
        raise UserError(f"`{timezone}` is not a time zone", ["write it like Europe/Berlin"]) from None
    return Person(key, key.capitalize(), tuple(groups), tuple(roles), timezone, privacy.value)


def parse_time(text: str, timezone: str) -> datetime:
    """``2026-03-02T10:00``, in the person's time zone unless it has its own."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"`{text}` is not a time", ["write it like 2026-03-02T10:00"]) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone(timezone))).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """Words that hold on each of the days, and facts from files."""

    entries: tuple[Entry, ...]
    facts: tuple[Fact, ...]
    person: Person

    def at(self, now: datetime) -> Sequence[Fact]:
        day = now.astimezone(zone(self.person.timezone)).date()
        return Script(day, self.person.timezone, self.entries, self.facts, self.person.key).facts(now)

    def moments(self, start: datetime, end: datetime) -> set[datetime]:
        found: set[datetime] = set()
        day = start.astimezone(zone(self.person.timezone)).date()
        while day <= end.astimezone(zone(self.person.timezone)).date():
            script = Script(day, self.person.timezone, self.entries, person=self.person.key)
            found |= script.moments() | {script.at(timedelta())}
            day += timedelta(days=1)
        return found


def read_given(
    words: Sequence[str], ics: Sequence[Path], person: Person, start: datetime, end: datetime
) -> Given:
    """``words`` are like ``call=talking from 10:20 to 10:25``. Raises UserError."""
    entries: list[Entry] = []
    for word in words:
        kind, _, text = word.partition("=")
        try:
            entries.append(parse_entry(_kind(kind.strip()), text))
        except ValueProblem as problem:
            raise UserError(f"--given {word}: {problem}") from None
    facts = tuple(calendar_fact(path, person, start, end) for path in ics)
    return Given(tuple(entries), facts, person)


def _kind(name: str) -> FactKind:
    try:
        return FactKind(name)
    except ValueError:
        raise ValueProblem(f"`{name}` is no kind of fact; known: {', '.join(FactKind)}") from None


def calendar_fact(path: Path, person: Person, start: datetime, end: datetime) -> Fact:
    """The events of an iCalendar file around the time that is asked about. Raises UserError."""
    if path.stat().st_size > MAX_FILE:
        raise UserError(f"{path} is larger than {MAX_FILE // 1024 // 1024} MiB")
    first, last = start - timedelta(days=1), end + timedelta(days=8)
    try:
        text = path.read_text(encoding="utf-8")
        reading = read(text, first, last, person.timezone, Reader(privacy=Privacy(person.privacy)))
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None
    except ConnectorError as error:
        raise UserError(f"{path}: {error.words}") from None
    return Fact(person.key, f"ics:{path.name}", CalendarValue(reading.events, first, last, path.stem), start)
