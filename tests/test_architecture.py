"""The rules of the house that no type checker knows."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "connectors", "rules")
MAX_LINES = 400
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["name"][0]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me/\w+|tm" r"p)/"),
    "a place outside the project": re.compile(r"\.\./sha" r"red"),
    "a package registry": re.compile(
        r"(?:py" r"pi\.org|pythonhos" r"ted\.org|npm" r"js\.org|proxy\.gol" r"ang\.org|crat" r"es\.io)"
    ),
}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns", "monotonic_ns"}
CHANCE = {"uuid1", "uuid4", "token_hex", "token_bytes", "token_urlsafe", "randbelow", "urandom"}
INPUT_OUTPUT = {"open", "print", "input", "exec", "eval"}


def name_of(path):
    return str(path.relative_to(ROOT))


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def called(path):
    """(line, name called, whether as an attribute) for every call in a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                yield node.lineno, function.attr, ast.unparse(function.value)
            elif isinstance(function, ast.Name):
                yield node.lineno, function.id, None


def pure_sources():
    """The files of contract 5."""
    for module in CONTRACTS["5"]["source_modules"]:
        pattern = module.replace(".", "/")
        for found in ROOT.glob(pattern):
            yield from found.rglob("*.py")
        yield from ROOT.glob(f"{pattern}.py")


def tracked():
    """Every text file of the project."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    folders = (*PACKAGES, "tests", "deploy", "docs", ".ci", ".github")  # an unpacked archive
    return [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]


def test_the_import_contracts_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_file_is_too_long(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{name_of(path)} has {lines} lines; split it by job"


def test_every_connector_is_under_the_contract_that_keeps_them_apart():
    folders = {f"connectors.{path.parent.name}" for path in (ROOT / "connectors").glob("*/manifest.yaml")}
    assert folders == set(CONTRACTS["3"]["modules"])


def test_every_folder_with_code_is_a_package():
    for top in (*PACKAGES, "tests"):
        for path in (ROOT / top).rglob("*.py"):
            if "versions" not in path.parts:  # migrations are loaded by Alembic, by path
                assert (path.parent / "__init__.py").exists(), f"{name_of(path.parent)} has no __init__.py"


def test_no_top_level_name_hides_another():
    """`tests/agent` must not become the top-level `agent`, and nothing of ours may hide the standard library."""
    assert (ROOT / "tests" / "__init__.py").exists()
    tops = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    assert tops - {"tests", "setup"} == set(PACKAGES)
    assert tops.isdisjoint(sys.stdlib_module_names)


def test_each_import_means_our_own_packages():
    for package in PACKAGES:
        assert Path(__import__(package).__file__).parent == ROOT / package


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_names(what):
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name_of(path)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if FORBIDDEN[what].search(line)
        ]
    assert not found, "\n".join(found)


def test_pure_files_read_no_clock_and_touch_nothing():
    files = sorted(set(pure_sources()))
    assert len(files) > 20
    shells = {ROOT / "rules" / "files.py"}  # the one reader of rules files
    found = [
        f"{name_of(path)}:{line}: {owner + '.' if owner else ''}{name}()"
        for path in files
        if path not in shells
        for line, name, owner in called(path)
        if (owner in ("datetime", "date", "time", "datetime.datetime") and name in CLOCKS)
        or name in CHANCE
        or (owner is None and name in INPUT_OUTPUT)
    ]
    assert not found, "\n".join(found)


def test_only_the_supervisor_makes_tasks():
    makers = {"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe"}
    found = [
        f"{name_of(path)}:{line}: {name}"
        for path in SOURCES
        if path != ROOT / "agent" / "supervise.py"
        for line, name, _ in called(path)
        if name in makers
    ]
    assert not found, "\n".join(found)


def test_nothing_is_left_to_do():
    """Unfinished work belongs in the tracker; a test that is commented out tests nothing."""
    mark = re.compile(r"#\s*(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|^\s*#\s*(?:async )?def test_")
    found = [
        f"{name_of(path)}:{number}"
        for path in (*SOURCES, *(ROOT / "tests").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found, "\n".join(found)
