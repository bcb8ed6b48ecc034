"""A simulated week as one self-contained SVG, or as an HTML page around it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from zlib import crc32

from rules.decision import Basic, Decision, Lamp
from rules.person import zone
from rules.simulate import Difference, Track
from rules.timeline import Segment

_LEFT, _WIDTH, _ROW, _BAR, _TOP = 190, 960, 34, 22, 54
_DAY = timedelta(days=1)
_UNKNOWN = "#c9c9c9"


def color(decision: Decision) -> str:
    """Red when the lamp is lit, grey when nothing is known; otherwise a steady shade for each state."""
    if decision.basic is None:
        return _UNKNOWN
    shade = crc32(decision.state.encode()) % 40 - 20
    if decision.lamp is Lamp.LIT:
        return f"hsl({shade // 2 % 360}, 70%, {58 + shade // 3}%)"
    if decision.lamp is Lamp.BLINKING:
        return f"hsl({40 + shade // 4}, 90%, 58%)"
    if decision.basic is Basic.CLOSED:
        return f"hsl({215 + shade}, 20%, {62 + shade // 3}%)"
    return f"hsl({130 + shade}, 45%, {64 + shade // 3}%)"


def rows(
    tracks: Sequence[Track], start: datetime, end: datetime
) -> list[tuple[str, Track, datetime, datetime]]:
    """One row per person and local day (and rule set)."""
    found: list[tuple[str, Track, datetime, datetime]] = []
    for track in tracks:
        here = zone(track.person.timezone)
        day = start.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < end:
            following = (day.replace(tzinfo=None) + _DAY).replace(tzinfo=here)
            name = track.person.name or track.person.key
            label = f"{name} · {day:%a %d %b}" + (f" · {track.title}" if track.title else "")
            found.append((label, track, day, following))
            day = following
    return sorted(found, key=lambda row: (row[1].person.key, row[2])) if len(tracks) > 1 else found


def svg(tracks: Sequence[Track], start: datetime, end: datetime) -> str:
    """The days below one another, midnight to midnight in each person's own time."""
    lines = rows(tracks, start, end)
    states: dict[str, Decision] = {}
    height = _TOP + len(lines) * _ROW + 60
    body = [_scale(len(lines))]
    for number, (label, track, day, following) in enumerate(lines):
        y = _TOP + number * _ROW
        body.append(f'<text x="8" y="{y + 15}">{escape(label)}</text>')
        body.append(f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH}" height="{_BAR}" fill="#f1f1f1"/>')
        for segment in track.segments:
            if segment.end > day and segment.start < following:
                states.setdefault(segment.decision.state, segment.decision)
                body.append(_bar(segment, day, following, y))
    body.append(_legend(states, _TOP + len(lines) * _ROW + 14))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="simulated presence">'
    )
    return "\n".join([head, f'<rect width="100%" height="{height}" fill="#ffffff"/>', *body, "</svg>", ""])


def _scale(count: int) -> str:
    parts: list[str] = []
    for hour in range(0, 25, 2):
        x = _LEFT + _WIDTH * hour / 24
        parts.append(
            f'<text x="{x:.0f}" y="{_TOP - 12}" text-anchor="middle" fill="#666">{hour:02d}:00</text>'
        )
        bottom = _TOP + count * _ROW
        parts.append(f'<line x1="{x:.0f}" y1="{_TOP - 6}" x2="{x:.0f}" y2="{bottom}" stroke="#ddd"/>')
    return "\n".join(parts)


def _bar(segment: Segment, day: datetime, following: datetime, y: int) -> str:
    # In UTC: on the days when the clocks change they have 23 or 25 hours.
    begin, finish = day.astimezone(UTC), following.astimezone(UTC)
    length = (finish - begin).total_seconds()
    first, last = max(segment.start, begin), min(segment.end, finish)
    x = _LEFT + _WIDTH * (first - begin).total_seconds() / length
    width = max(_WIDTH * (last - first).total_seconds() / length, 0.6)
    decision = segment.decision
    here = day.tzinfo
    times = f"{segment.start.astimezone(here):%H:%M}–{segment.end.astimezone(here):%H:%M}"
    tip = [f"{times} {decision.state}", segment.note, f"rule: {segment.rule}" if segment.rule else "no rule"]
    words = escape("\n".join(line for line in tip if line))
    text = ""
    if width > 7 * len(decision.state) + 6:
        text = f'<text x="{x + 4:.1f}" y="{y + 15}" fill="#1a1a1a">{escape(decision.state)}</text>'
    return (
        f'<g><title>{words}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" '
        f'fill="{color(decision)}"/>{text}</g>'
    )


def _legend(states: dict[str, Decision], y: int) -> str:
    parts: list[str] = []
    x = _LEFT
    for name, decision in sorted(states.items()):
        width = 26 + 7 * len(name)
        if x + width > _LEFT + _WIDTH:
            x, y = _LEFT, y + 18
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{color(decision)}"/>')
        parts.append(f'<text x="{x + 16}" y="{y + 11}">{escape(name)}</text>')
        x += width
    return "\n".join(parts)


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
    style = "body{font-family:system-ui,sans-serif;margin:1em}td,th{text-align:left;padding:.2em 1em .2em 0}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Simulated presence</title>'
        f"<style>{style}</style></head><body>\n{body}</body></html>\n"
    )


def _when(one: Difference) -> str:
    here = zone(one.person.timezone)
    return f"{one.start.astimezone(here):%a %d %b %H:%M}–{one.end.astimezone(here):%H:%M}"
