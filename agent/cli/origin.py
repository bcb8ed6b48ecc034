"""``agent``, ``connectors`` and ``rules`` are plain names that other distributions use too: are these ours?"""

import json
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent.errors import UserError

DISTRIBUTION = "lamplighter"
PACKAGES = ("agent", "connectors", "rules")


def check_origin() -> None:
    """Raise `UserError` unless all three packages come from the distribution ``lamplighter``."""
    places = {package: _place(package) for package in PACKAGES}
    owners = list(distributions(name=DISTRIBUTION))
    if not owners:
        raise UserError(
            "Lamplighter is not installed here",
            ["install it into an environment of its own: pip install -e ."],
        )
    if foreign := foreign_packages(places, owners):
        raise UserError(
            "another distribution's packages stand where Lamplighter's should",
            [
                *(f"`{package}` comes from {places[package] or 'nowhere'}" for package in foreign),
                "install Lamplighter into an environment of its own",
            ],
        )


def foreign_packages(places: dict[str, Path | None], owners: Iterable[Distribution]) -> list[str]:
    """Those packages whose ``__init__.py`` (``places``) belongs to none of ``owners``."""
    owners = list(owners)
    return [
        package
        for package, place in places.items()
        if place is None or not any(_owns(owner, package, place) for owner in owners)
    ]


def _owns(owner: Distribution, package: str, place: Path) -> bool:
    relative = f"{package}/__init__.py"
    if _same(Path(str(owner.locate_file(relative))), place) and _lists(owner, relative):
        return True
    root = _editable_root(owner)
    return root is not None and _same(root / relative, place)


def _lists(owner: Distribution, relative: str) -> bool:
    return any(file.as_posix() == relative for file in owner.files or ())


def _editable_root(owner: Distribution) -> Path | None:
    """The checkout of an editable install (PEP 610), if it is one."""
    text = owner.read_text("direct_url.json")
    source = json.loads(text) if text else {}
    if not source.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(source["url"]).path))


def _place(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin) if spec and spec.origin else None


def _same(first: Path, second: Path) -> bool:
    return first.resolve() == second.resolve()
