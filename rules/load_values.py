"""From a node to a value of the kind that is wanted there, or a problem at its place."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from rules.person import zone
from rules.problems import Problems
from rules.source import Node
from rules.values import TextMatch, ValueProblem

T = TypeVar("T")

YES = frozenset({"true", "yes", "on"})
NO = frozenset({"false", "no", "off"})


def text(node: Node, problems: Problems, what: str) -> str | None:
    if node.kind == "text" and node.text.strip():
        return node.text
    found = {"map": "a mapping", "list": "a list", "null": "nothing", "text": "empty text"}[node.kind]
    problems.add(node, f"{what} must be text, but here is {found}")
    return None


def texts(node: Node, problems: Problems, what: str) -> list[str] | None:
    """One text, or a list of them."""
    if node.kind == "list" and not node.items:
        problems.add(node, f"{what} is an empty list")
        return None
    read = [text(item, problems, what) for item in node.listed()]
    return [one for one in read if one is not None] if None not in read else None


def converted(node: Node, problems: Problems, what: str, convert: Callable[[str], T]) -> T | None:
    """A scalar through a converter that raises ValueProblem."""
    raw = text(node, problems, what)
    if raw is None:
        return None
    try:
        return convert(raw)
    except ValueProblem as problem:
        problems.add(node, str(problem))
        return None


def yes_no(node: Node, problems: Problems, what: str) -> bool | None:
    raw = node.text.lower() if node.kind == "text" else ""
    if raw in YES or raw in NO:
        return raw in YES
    problems.add(
        node, f"{what} must be true or false, not `{node.text}`" if raw else f"{what} must be true or false"
    )
    return None


def choice(node: Node, problems: Problems, what: str, known: Iterable[str]) -> str | None:
    raw = text(node, problems, what)
    if raw is None:
        return None
    if raw not in known:
        problems.unknown(node, what, known)
        return None
    return raw


def choices(node: Node, problems: Problems, what: str, known: Iterable[str]) -> frozenset[str] | None:
    """One or several of the known words."""
    known = tuple(known)
    if node.kind == "list" and not node.items:
        problems.add(node, f"{what} is an empty list")
        return None
    read = [choice(item, problems, what, known) for item in node.listed()]
    return frozenset(one for one in read if one is not None) if None not in read else None


def match(node: Node, problems: Problems, what: str) -> TextMatch | None:
    words = texts(node, problems, what)
    return TextMatch.of(words) if words else None


def timezone(node: Node, problems: Problems) -> str | None:
    raw = text(node, problems, "timezone")
    if raw is None:
        return None
    try:
        zone(raw)
    except (ValueError, OSError, KeyError):
        problems.add(node, f"the time zone `{raw}` is not known", "write it like Europe/Berlin")
        return None
    return raw


def mapping(node: Node, problems: Problems, what: str, known: Iterable[str]) -> dict[str, Node]:
    """The pairs of a mapping by key. Unknown keys are problems and left out."""
    if node.kind != "map":
        problems.add(node, f"{what} must be a mapping (key: value)")
        return {}
    known = tuple(known)
    pairs: dict[str, Node] = {}
    for key, value in node.pairs:
        if key.text in known:
            pairs[key.text] = value
        else:
            problems.unknown(key, f"in {what}", known)
    return pairs
