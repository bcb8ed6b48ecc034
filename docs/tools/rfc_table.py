"""docs/rfc.tsv: requirement -> status -> tests. Writes the README's support table from it; ``--check`` only compares.

Columns, tab-separated: id, rfc (number), section, requirement, status (done, partial or no), tests (``file::test``,
several separated by spaces). Blank lines and lines that begin with # are for the reader.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "rfc.tsv"
README = ROOT / "README.md"
COLUMNS = ("id", "rfc", "section", "requirement", "status", "tests")
STATUSES = ("done", "partial", "no")
BEGIN, END = "<!-- support table: docs/tools/rfc_table.py -->", "<!-- end of support table -->"


@dataclass(frozen=True)
class Row:
    id: str
    rfc: int
    section: str
    requirement: str
    status: str
    tests: tuple[str, ...]


def read(text: str) -> tuple[list[Row], list[str]]:
    """The rows, and what is wrong with those that are none."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line and line[0] != "#"]
    rows: list[Row] = []
    problems: list[str] = []
    if not lines or tuple(lines[0][1].split("\t")) != COLUMNS:
        return rows, [f"line 1: expected the columns {', '.join(COLUMNS)}"]
    seen: set[str] = set()
    for number, line in lines[1:]:
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            problems.append(f"line {number}: {len(cells)} cells instead of {len(COLUMNS)}")
            continue
        identity, rfc, section, requirement, status, tests = (cell.strip() for cell in cells)
        if identity in seen:
            problems.append(f"line {number}: {identity} is here twice")
        if not rfc.isdecimal() or not requirement:
            problems.append(f"line {number}: the rfc must be a number and the requirement a sentence")
            continue
        if status not in STATUSES:
            problems.append(f"line {number}: the status must be one of {', '.join(STATUSES)}")
        if status == "done" and not tests:
            problems.append(f"line {number}: done, but no test shows it")
        seen.add(identity)
        rows.append(Row(identity, int(rfc), section, requirement, status, tuple(tests.split())))
    return rows, problems


def table(rows: list[Row]) -> str:
    """One line per RFC: how many requirements are met, and what is open."""
    lines = ["| RFC | met | partly | not yet | open |", "|---|---|---|---|---|"]
    for rfc in sorted({row.rfc for row in rows}):
        own = [row for row in rows if row.rfc == rfc]
        counts = [sum(row.status == status for row in own) for status in STATUSES]
        still = "; ".join(f"§{row.section} {row.requirement}" for row in own if row.status != "done")
        cells = (f"[{rfc}](https://www.rfc-editor.org/rfc/rfc{rfc})", *counts, still.replace("|", "\\|"))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def updated(readme: str, rows: list[Row]) -> str:
    """The README with the table between its markers. Raises ValueError when there are none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


if __name__ == "__main__":
    found, wrong = read(TABLE.read_text(encoding="utf-8"))
    if wrong:
        sys.exit("\n".join(wrong))
    old = README.read_text(encoding="utf-8")
    new = updated(old, found)
    if "--check" in sys.argv:
        sys.exit("README.md: the support table is outdated" if old != new else 0)
    README.write_text(new, encoding="utf-8")
