"""docs/rfc.tsv: requirement -> status -> tests. Writes the README's support table and docs/standards.md from it;
``--check`` only compares.

Columns, tab-separated: id, rfc (number), section, requirement, status (done, partial or no), tests (``file::test``,
several separated by spaces), kamailio (yes, partial, no; ``-`` or nothing: not looked at, or not its business).
Blank lines and lines that begin with # are for the reader.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "rfc.tsv"
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "standards.md"
COLUMNS = ("id", "rfc", "section", "requirement", "status", "tests", "kamailio")
STATUSES = ("done", "partial", "no")
KAMAILIO = ("yes", "partial", "no")
BEGIN, END = "<!-- support table: docs/tools/rfc_table.py -->", "<!-- end of support table -->"


@dataclass(frozen=True)
class Row:
    id: str
    rfc: int
    section: str
    requirement: str
    status: str
    tests: tuple[str, ...]
    kamailio: str
    "One of `KAMAILIO`, or empty."


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
        if len(cells) == len(COLUMNS) - 1:
            cells.append("")
        if len(cells) != len(COLUMNS):
            problems.append(f"line {number}: {len(cells)} cells instead of {len(COLUMNS)}")
            continue
        identity, rfc, section, requirement, status, tests, kamailio = (cell.strip() for cell in cells)
        if identity in seen:
            problems.append(f"line {number}: {identity} is here twice")
        if not rfc.isdecimal() or not requirement:
            problems.append(f"line {number}: the rfc must be a number and the requirement a sentence")
            continue
        if status not in STATUSES:
            problems.append(f"line {number}: the status must be one of {', '.join(STATUSES)}")
        if status == "done" and not tests:
            problems.append(f"line {number}: done, but no test shows it")
        if kamailio not in (*KAMAILIO, "-", ""):
            problems.append(f"line {number}: kamailio must be one of {', '.join(KAMAILIO)} or -")
        seen.add(identity)
        known = kamailio if kamailio in KAMAILIO else ""
        rows.append(Row(identity, int(rfc), section, requirement, status, tuple(tests.split()), known))
    return rows, problems


def table(rows: list[Row]) -> str:
    """One line per RFC: how many requirements are met, by us and by Kamailio."""
    lines = [
        "| RFC | met | partly | not yet | Kamailio: met | partly | not |",
        "|---|---|---|---|---|---|---|",
    ]
    rfcs = sorted({row.rfc for row in rows})
    lines += [f"| {_link(rfc)} | {_counts([row for row in rows if row.rfc == rfc])} |" for rfc in rfcs]
    return "\n".join([*lines, f"| **all** | {_counts(rows)} |"])


def _counts(rows: list[Row]) -> str:
    ours = [sum(row.status == status for row in rows) for status in STATUSES]
    theirs = [sum(row.kamailio == mark for row in rows) for mark in KAMAILIO]
    return " | ".join(map(str, [*ours, *theirs]))


def _link(rfc: int) -> str:
    return f"[{rfc}](https://www.rfc-editor.org/rfc/rfc{rfc})"


INTRODUCTION = """# Standards, requirement by requirement

Written by `docs/tools/rfc_table.py` from [rfc.tsv](rfc.tsv), which also names the tests that show each requirement. A
test of the suite fails when a requirement is claimed whose test does not exist.

The column *Kamailio* says what its modules (`presence` and its companions, 5.6) do about the same, by reading their
source, not by running them: *partial* is also what an administrator has to script. Empty: not looked at, or a matter of
clients.

## What is open
"""


def page(rows: list[Row]) -> str:
    """docs/standards.md."""
    still = [row for row in rows if row.status != "done"]
    lines = [INTRODUCTION]
    if not still:
        lines.append("Nothing that is listed here.")
    lines += [
        f"- RFC {row.rfc}{_section(row)}, {row.status}: {row.requirement} (`{row.id}`)" for row in still
    ]
    for rfc in sorted({row.rfc for row in rows}):
        lines += ["", f"## RFC {rfc}", "", "| | § | requirement | here | Kamailio |", "|---|---|---|---|---|"]
        for row in rows:
            if row.rfc == rfc:
                text = row.requirement.replace("|", "\\|")
                lines.append(f"| `{row.id}` | {row.section} | {text} | {row.status} | {row.kamailio} |")
    return "\n".join(lines) + "\n"


def _section(row: Row) -> str:
    return f" §{row.section}" if row.section else ""


def updated(readme: str, rows: list[Row]) -> str:
    """The README with the table between its markers. Raises ValueError when there are none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def main(check: bool) -> str | None:
    """What is wrong; None: all is well and, unless ``check``, written."""
    rows, wrong = read(TABLE.read_text(encoding="utf-8"))
    if wrong:
        return "\n".join(wrong)
    wanted = {README: updated(README.read_text(encoding="utf-8"), rows), PAGE: page(rows)}
    for path, text in wanted.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            return f"{path.name}: outdated, run docs/tools/rfc_table.py"
    return None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
