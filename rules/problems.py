"""What is wrong with a rules file: every problem at once, each with its place and its remedy."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.source import Node
from rules.yaml_marks import Problem


class RulesError(Exception):
    """The file cannot be used. ``problems`` holds everything found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that a misspelt one most likely means."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=cutoff)
    return names[close[0]] if close else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """``did you mean …?``, or the list of what there is."""
    known = sorted(known)
    guess = nearest(word, known)
    if guess is not None:
        return f"did you mean `{guess}`?"
    shown = ", ".join(known[:12])
    return f"known: {shown}" + (", …" if len(known) > 12 else "") if known else "none is known here"


@dataclass(slots=True)
class Problems:
    """Collects while loading goes on, so that the author sees everything at once."""

    found: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def add(self, node: Node, message: str, hint: str | None = None) -> None:
        self.found.append(Problem(node.file, node.line, node.column, message, hint))

    def warn(self, node: Node, message: str, hint: str | None = None) -> None:
        self.warnings.append(Problem(node.file, node.line, node.column, message, hint))

    def unknown(self, node: Node, what: str, known: Iterable[str]) -> None:
        self.add(node, f"{what} `{node.text}` is not known", suggestion(node.text, known))

    def raise_if_any(self) -> None:
        if self.found:
            raise RulesError(in_order(self.found))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, as they stand in the file."""
    return tuple(dict.fromkeys(sorted(problems, key=lambda one: (one.file, one.line, one.column))))
