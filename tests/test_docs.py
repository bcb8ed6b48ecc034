"""What the documentation says is so."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from agent.cli.main import COMMANDS, LazyCommand

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"))
    if path.is_file()
) + sorted((ROOT / "connectors").rglob("*.md"))


def name_of(path):
    return str(path.relative_to(ROOT))


def tool(name):
    """A script of docs/tools as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rfc_table():
    module = tool("rfc_table")
    rows, problems = module.read((ROOT / "docs" / "rfc.tsv").read_text(encoding="utf-8"))
    return module, rows, problems


def test_the_requirement_table_is_well_formed(rfc_table):
    assert rfc_table[2] == []


def test_every_test_that_the_requirements_name_exists(rfc_table):
    missing = [f"{row.id}: {test}" for row in rfc_table[1] for test in row.tests if not exists(test)]
    assert not missing, "\n".join(missing)


def exists(reference):
    """`tests/x/test_y.py::test_z`, also with classes between and a parameter in brackets behind."""
    file, *names = reference.partition("[")[0].split("::")
    path = ROOT / file
    if not names or not path.is_file():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for name in names:
        found = next((node for node in body if getattr(node, "name", None) == name), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def test_the_readme_shows_the_current_table(rfc_table):
    module, rows, _ = rfc_table
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == module.updated(readme, rows), "run docs/tools/rfc_table.py"
    page = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
    assert page == module.page(rows), "run docs/tools/rfc_table.py"


def test_bad_rows_are_told(rfc_table):
    header = "id\trfc\tsection\trequirement\tstatus\ttests\tkamailio\n"
    _, problems = rfc_table[0].read(
        header + "a\t3903\t4\tx\tdone\t\nb\t3903\t4\tx\tmaybe\tt\nb\t1\t1\tx\tno\t\nc\tx\t1\tx\tno\t\nshort\n"
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert rfc_table[0].read("")[1]


def test_the_table_counts(rfc_table):
    header = "id\trfc\tsection\trequirement\tstatus\ttests\tkamailio\n"
    rows, _ = rfc_table[0].read(header + "a\t3903\t4\tx\tdone\tt::t\tno\nb\t3903\t5\ty\tno\t\n")
    assert "| [3903](https://www.rfc-editor.org/rfc/rfc3903) | 1 | 0 | 1 | 0 | 0 | 1 |" in rfc_table[0].table(
        rows
    )
    assert "- RFC 3903 §5, no: y (`b`)" in rfc_table[0].page(rows)
    assert "| `a` | 4 | x | done | no |" in rfc_table[0].page(rows)


def test_the_settings_page_and_sample_are_current():
    assert tool("settings_reference").outdated() == [], "run docs/tools/settings_reference.py"


def shell_lines():
    """Every line of the pages' shell blocks that calls us or make."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:sh|bash|shell|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.strip().removeprefix("$ ")
                if re.match(r"(?:sudo )?(?:lamplighter|make)\b", command):
                    yield path, command.removeprefix("sudo ")


@pytest.mark.parametrize(("path", "line"), list(shell_lines()), ids=lambda value: str(value)[-60:])
def test_commands_in_the_pages_exist(path, line):
    words = shlex.split(line.partition("|")[0], comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        for word in words[1:]:
            assert "=" in word or word in targets, f"{name_of(path)}: {line}"
        return
    plain = [word for word in words[1:] if not word.startswith("-")]
    typed = next((name for size in (2, 1) if (name := " ".join(plain[:size])) in COMMANDS), None)
    assert typed or words[1:] == ["--help"], f"{name_of(path)}: {line}"
    if typed:
        real = LazyCommand(typed, *COMMANDS[typed]).real()
        options = {
            option for parameter in real.params for option in parameter.opts + parameter.secondary_opts
        }
        used = {word.partition("=")[0] for word in words[1:] if word.startswith("-") and word != "-"}
        assert used <= options | {"--help", "-h"}, f"{name_of(path)}: {line}"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (path.parent / file) if file else path
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(target)
    assert not broken, f"{name_of(path)}: {broken}"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_named_in_the_pages_exist(path):
    named = re.findall(
        r"`((?:agent|connectors|rules|tests|docs|deploy|bench)/[\w./*-]+)(?:: \w+)?`",
        path.read_text(encoding="utf-8"),
    )
    missing = sorted({file for file in named if not list(ROOT.glob(file))})
    assert not missing, f"{name_of(path)}: {missing}"


def test_the_names_in_the_architecture_are_those_of_the_code():
    """`Class.method` and `function` in it are defined somewhere."""
    text = re.sub(
        r"```.*?```", "", (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    defined = set()
    for package in ("agent", "connectors", "rules"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    defined.add(node.name)
                    if isinstance(node, ast.ClassDef):
                        defined |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    named = set(re.findall(r"`([A-Z]\w+\.\w+)`", text)) | set(re.findall(r"`[\w/]+\.py: ([a-z]\w+)`", text))
    assert len(named) > 15
    assert not named - defined


def anchors(path):
    """The anchors that headings get."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
