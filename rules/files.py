"""Rules files on disk."""

from pathlib import Path

from rules.cases import TestCase
from rules.loader import cases_of, load
from rules.model import RuleSet
from rules.shipped import pack_text, reader


def load_file(path: Path) -> RuleSet:
    """Read and load a rules file. Raises RulesError, and OSError when it cannot be read."""
    return load(path.read_text(encoding="utf-8"), str(path), reader(path.parent))


def load_pack(name: str) -> RuleSet:
    """One shipped pack by itself."""
    return load(pack_text(name), f"packs/{name}.yaml", reader(Path()))


def load_cases(path: Path, rules: RuleSet) -> tuple[TestCase, ...]:
    """The ``tests:`` of a file that holds nothing else, for ``rules``. Raises RulesError and OSError."""
    return cases_of(path.read_text(encoding="utf-8"), str(path), rules)
