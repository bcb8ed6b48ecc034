"""A simulated week as one self-contained SVG, or as an HTML page around it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import groupby

from rules.decision import Basic, Decision, Lamp
from rules.person import zone
from rules.simulate import Difference, Track
from rules.timeline import Segment

_LEFT, _WIDTH, _ROW, _BAR, _HEADING, _LEGEND = 150, 1000, 38, 28, 34, 22
_LETTER = 6.3
"Width of a letter at the size of the labels, on average."
_DAY = timedelta(days=1)
_USUAL = (7.0, 19.0)
"Hours that are always shown; the others only when something changes in them."
_INK, _FAINT = "#22303c", "#7b8794"

_SHADES: Mapping[str, tuple[str, ...]] = {
    "lit": ("#e5484d", "#c2416b", "#f0774f", "#a63d40", "#d96aa7"),
    "blinking": ("#f5b83d", "#e8a020"),
    "open": ("#5fb98a", "#a9d8a0", "#3f9c95", "#c5dd7d", "#7fc8d8"),
    "closed": ("#a3aec2", "#8793b3", "#b8a8cf", "#7d8f99", "#c9bfb5"),
    "unknown": ("url(#unknown)",),
}
"By what a watcher sees: several states of one kind get neighbouring shades, in the order of their names."
_MEANS = {
    "open": "may be called",
    "lit": "lamp lit",
    "blinking": "lamp blinks",
    "closed": "not there",
    "unknown": "not known",
}


def kind_of(decision: Decision) -> str:
    """What a watcher sees at first glance: a key of the colors."""
    if decision.basic is None:
        return "unknown"
    if decision.lamp is not Lamp.DARK:
        return decision.lamp.value
    return "closed" if decision.basic is Basic.CLOSED else "open"


@dataclass(frozen=True, slots=True)
class _Row:
    """One local day of one track."""

    track: Track
    day: datetime
    following: datetime

    @property
    def begin(self) -> datetime:
        return self.day.astimezone(UTC)

    @property
    def length(self) -> timedelta:
        # In UTC: on the days when the clocks change they have 23 or 25 hours.
        return self.following.astimezone(UTC) - self.begin

    def hour(self, moment: datetime) -> float:
        """0 … 24, from midnight to midnight."""
        return min(max((moment - self.begin) / self.length, 0.0), 1.0) * 24

    def segments(self) -> list[Segment]:
        """Those of this day; what differs in less than state and note is one bar."""
        found: list[Segment] = []
        for one in self.track.segments:
            if one.end <= self.day or one.start >= self.following:
                continue
            if found and (found[-1].decision.state, found[-1].note) == (one.decision.state, one.note):
                found[-1] = replace(found[-1], end=one.end)
            else:
                found.append(one)
        return found


def _rows(tracks: Sequence[Track], start: datetime, end: datetime) -> list[_Row]:
    """One per person and local day, and per rule set when two are compared."""
    found: list[_Row] = []
    for track in tracks:
        here = zone(track.person.timezone)
        day = start.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < end:
            following = (day.replace(tzinfo=None) + _DAY).replace(tzinfo=here)
            found.append(_Row(track, day, following))
            day = following
    return sorted(found, key=lambda row: (row.track.person.key, row.day))


class _Sheet:
    """Where everything stands, and which color each state has."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        edges = [row.hour(one.start) for row in rows for one in row.segments() if one.start > row.day]
        inside = [edge for edge in edges if 0 < edge < 24]
        self.first = float(int(min([_USUAL[0], *(edge - 0.5 for edge in inside)])))
        self.last = float(int(max([_USUAL[1], *(edge + 1.5 for edge in inside)])))
        self.first, self.last = max(self.first, 0.0), min(self.last, 24.0)
        states = {one.decision.state: one.decision for row in rows for one in row.segments()}
        self.colors: dict[str, str] = {}
        self.kinds: dict[str, list[str]] = {kind: [] for kind in _MEANS}
        for name, decision in sorted(states.items()):
            kind = kind_of(decision)
            shades = _SHADES[kind]
            self.colors[name] = shades[len(self.kinds[kind]) % len(shades)]
            self.kinds[kind].append(name)

    def x(self, hour: float) -> float:
        hour = min(max(hour, self.first), self.last)
        return _LEFT + _WIDTH * (hour - self.first) / (self.last - self.first)


def svg(tracks: Sequence[Track], start: datetime, end: datetime) -> str:
    """The days below one another, in each person's own time. Pointing at a bar tells the note and the rule."""
    rows = _rows(tracks, start, end)
    sheet = _Sheet(rows)
    body: list[str] = []
    y = 12
    for _, group in groupby(rows, key=lambda row: row.track.person.key):
        lines, y = _person(list(group), sheet, y)
        body += lines
    legend, height = _legend(sheet, y + 6)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30} {height}" '
        f'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12" fill="{_INK}" role="img" '
        'aria-label="simulated presence">'
    )
    return "\n".join([head, _DEFINITIONS, *body, *legend, "</svg>", ""])


_DEFINITIONS = (
    '<defs><pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#eef0f3"/>'
    '<rect width="2" height="6" fill="#d5dae1"/></pattern></defs>\n'
    '<rect width="100%" height="100%" fill="#ffffff"/>'
)


def _person(rows: Sequence[_Row], sheet: _Sheet, y: int) -> tuple[list[str], int]:
    """The name, the hours, and a bar for each day; and where the next thing may stand."""
    person = rows[0].track.person
    bottom = y + _HEADING + len(rows) * _ROW
    parts = [
        f'<text x="10" y="{y + 20}" font-size="16" font-weight="600">{escape(person.name or person.key)}</text>'
    ]
    for hour in range(int(sheet.first), int(sheet.last) + 1):
        x = sheet.x(hour)
        if hour % 2 == 0 or sheet.last - sheet.first <= 13:
            parts.append(
                f'<text x="{x:.0f}" y="{y + 20}" text-anchor="middle" fill="{_FAINT}">{hour:02d}:00</text>'
            )
        parts.append(f'<line x1="{x:.0f}" y1="{y + 27}" x2="{x:.0f}" y2="{bottom - 6}" stroke="#e4e7eb"/>')
    for number, row in enumerate(rows):
        parts += _day(row, sheet, y + _HEADING + number * _ROW)
    return parts, bottom + 8


def _day(row: _Row, sheet: _Sheet, y: int) -> Iterable[str]:
    weight = "400" if row.day.weekday() > 4 else "600"
    yield f'<text x="10" y="{y + 19}"><tspan font-weight="{weight}">{row.day:%a}</tspan> {row.day:%d %b}</text>'
    if row.track.title:
        yield (
            f'<text x="{_LEFT - 8}" y="{y + 19}" text-anchor="end" font-size="10" fill="{_FAINT}">'
            f"{escape(row.track.title[:12])}</text>"
        )
    for segment in row.segments():
        yield _bar(segment, row, sheet, y)


def _bar(segment: Segment, row: _Row, sheet: _Sheet, y: int) -> str:
    left, right = sheet.x(row.hour(segment.start)), sheet.x(row.hour(segment.end))
    if right <= left:
        return ""  # in hours that are not shown: the same goes on within those that are
    width = max(right - left - 1, 1.0)
    decision = segment.decision
    here = row.day.tzinfo
    times = f"{segment.start.astimezone(here):%H:%M}–{segment.end.astimezone(here):%H:%M}"
    tip = [f"{times} {decision.state}", segment.note, decision.place or ""]
    tip.append(f"rule: {segment.rule}" if segment.rule else "no rule")
    words = escape("\n".join(line for line in tip if line))
    label = _fitting(decision.state, segment.note, width)
    ink = "#ffffff" if kind_of(decision) == "lit" else _INK
    text = f'<text x="{left + 7:.1f}" y="{y + 18}" fill="{ink}">{escape(label)}</text>' if label else ""
    return (
        f'<g><title>{words}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="4" '
        f'fill="{sheet.colors[decision.state]}"/>{text}</g>'
    )


def _fitting(state: str, note: str, width: float) -> str:
    """As much of the words as the bar has room for."""
    for label in (f"{state} · {note}" if note else state, state):
        if len(label) * _LETTER + 12 <= width:
            return label
    return ""


def _legend(sheet: _Sheet, y: int) -> tuple[list[str], int]:
    parts: list[str] = []
    for kind, names in sheet.kinds.items():
        if not names:
            continue
        parts.append(f'<text x="10" y="{y + 12}" fill="{_FAINT}">{_MEANS[kind]}</text>')
        x = float(_LEFT)
        for name in names:
            width = 30 + _LETTER * len(name)
            if x + width > _LEFT + _WIDTH:
                x, y = float(_LEFT), y + _LEGEND
            parts.append(
                f'<rect x="{x:.0f}" y="{y}" width="14" height="14" rx="3" fill="{sheet.colors[name]}"/>'
            )
            parts.append(f'<text x="{x + 20:.0f}" y="{y + 12}">{escape(name)}</text>')
            x += width + 6
        y += _LEGEND
    return parts, y + 8


_STYLE = (
    f"body{{font:15px/1.5 system-ui,sans-serif;color:{_INK};max-width:1200px;margin:2em auto;padding:0 1em}}"
    "svg{width:100%;height:auto}table{border-collapse:collapse;margin-top:1.5em}"
    "td,th{text-align:left;padding:.35em 1.2em .35em 0;border-bottom:1px solid #e4e7eb}"
)


def html(tracks: Sequence[Track], start: datetime, end: datetime, changed: Sequence[Difference] = ()) -> str:
    """A page that needs nothing from anywhere: the picture and, for two rule sets, the list of changes."""
    body = svg(tracks, start, end)
    if changed:
        lines = "\n".join(
            f"<tr><td>{escape(one.person.name or one.person.key)}</td><td>{_when(one)}</td>"
            f"<td>{escape(one.before.decision.state)}</td><td>{escape(one.after.decision.state)}</td></tr>"
            for one in changed
        )
        body += f"<table><tr><th>who</th><th>when</th><th>before</th><th>after</th></tr>\n{lines}</table>\n"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Simulated presence</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}</body></html>\n"
    )


def _when(one: Difference) -> str:
    here = zone(one.person.timezone)
    return f"{one.start.astimezone(here):%a %d %b %H:%M}–{one.end.astimezone(here):%H:%M}"
