"""The hot path can be compiled (setup.py): the same sources, the same tests. `make test-compiled` runs them on it."""

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOT_PATH: list[str] = runpy.run_path(str(ROOT / "setup.py"), run_name="listed")["FILES"]


def classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize("file", HOT_PATH)
def test_what_is_to_be_compiled_is_there(file: str) -> None:
    assert (ROOT / file).exists()


def test_nobody_outside_inherits_from_what_is_compiled() -> None:
    """A compiled class trusts its attributes to be where it put them; mypyc refuses other subclasses at run time."""
    compiled = {
        (file.removesuffix(".py").replace("/", "."), each.name)
        for file in HOT_PATH
        for each in classes(ROOT / file)
        if not {ast.unparse(base) for base in each.bases} & {"NamedTuple", "Protocol", "IntEnum", "Enum"}
    }
    found = []
    for top in ("agent", "connectors", "rules"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if str(path.relative_to(ROOT)) in HOT_PATH:
                continue
            imported = {
                (alias.asname or alias.name): (node.module, alias.name)
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ImportFrom) and node.module
                for alias in node.names
            }
            found += [
                f"{path.relative_to(ROOT)}: {each.name}"
                for each in classes(path)
                for base in each.bases
                if imported.get(ast.unparse(base)) in compiled
            ]
    assert not found
