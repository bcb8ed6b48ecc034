"""Reads what ships with the product: the packs. With rules.files the only readers in this package."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

Reader = Callable[[str, str], tuple[str, str]]
"(what is included, the file that includes it) -> (text, its file name). Raises OSError."

_PACKS = resources.files("rules") / "packs"


def pack_names() -> tuple[str, ...]:
    """The packs that ship with the product."""
    return tuple(
        sorted(one.name.removesuffix(".yaml") for one in _PACKS.iterdir() if one.name.endswith(".yaml"))
    )


def pack_text(name: str) -> str:
    """Raises FileNotFoundError for a name that is no pack."""
    if name not in pack_names():
        raise FileNotFoundError(name)
    return (_PACKS / f"{name}.yaml").read_text(encoding="utf-8")


def reader(folder: Path) -> Reader:
    """Finds what a file in ``folder`` includes: a pack by its name, a file by its path (it ends in .yaml)."""

    def read(name: str, included_by: str) -> tuple[str, str]:
        if not name.endswith((".yaml", ".yml")):
            return pack_text(name), f"packs/{name}.yaml"
        beside = Path(included_by).parent if not included_by.startswith("packs/") else folder
        path = (beside / name) if not Path(name).is_absolute() else Path(name)
        return path.read_text(encoding="utf-8"), str(path)

    return read


pack_reader: Reader = reader(Path())
"""For files that include packs only."""


def schema_text() -> str:
    """The JSON Schema of rules files, for editors."""
    return (resources.files("rules") / "schema.json").read_text(encoding="utf-8")
