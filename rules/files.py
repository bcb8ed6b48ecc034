"""Rules files on disk."""

from pathlib import Path

from rules.loader import load
from rules.model import RuleSet
from rules.shipped import pack_text, reader


def load_file(path: Path) -> RuleSet:
    """Read and load a rules file. Raises RulesError, and OSError when it cannot be read."""
    return load(path.read_text(encoding="utf-8"), str(path), reader(path.parent))


def load_pack(name: str) -> RuleSet:
    """One shipped pack by itself."""
    return load(pack_text(name), f"packs/{name}.yaml", reader(Path()))
