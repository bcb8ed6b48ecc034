"""Reports of tried links (`agent.probe.Report.to_json`), for people."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape


def print_report(report: dict[str, Any], console: Console) -> None:
    """What was tried, what it sees, and what it does not."""
    color = {"ok": "green", "partial": "yellow"}.get(report["state"], "red")
    console.print(
        f"[bold]{escape(report['link'])}[/] ({report['connector']}): "
        f"[{color}]{report['state']}[/] {escape(report['words'])}",
        soft_wrap=True,
    )
    for line in _lines(report):
        console.print(f"  {escape(line)}", soft_wrap=True)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for calendar in report["calendars"]:
        meaning = (
            f", means {calendar['meaning']}" if calendar["meaning"] not in ("", calendar["name"]) else ""
        )
        left_out = f", left out: {calendar['why']}" if not calendar["counts"] else ""
        yield f"calendar {calendar['name']}{meaning}{left_out}"
    for event in report["coming"]:
        start, end = (datetime.fromisoformat(event[key]).astimezone() for key in ("start", "end"))
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %d %b %H:%M}"
        title = f" {event['title']}" if event["title"] else ""
        yield f"next: {start:%a %d %b %H:%M} to {until} {event['shows']}{title}: shown as {event['presence']}"
    if report["calendars"] and not report["coming"]:
        yield "next: nothing in the coming days"
    if report["heard"]:
        yield f"tells of: {', '.join(report['heard'])}"
    for withheld in report["withheld"]:
        yield f"not taken over: {withheld}"
    for problem in report["problems"]:
        yield f"cannot be read: {problem}"
