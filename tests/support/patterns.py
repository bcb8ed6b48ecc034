"""Expected texts with holes: ``{any}``; ``{name}`` captures, and later must be equal; ``{<=name}``, ``{>5}``."""

import re

_HOLE = re.compile(r"\{([<>]=?)?([A-Za-z_][\w-]*|\d+)\}")

Captures = dict[str, str]


class Mismatch(AssertionError):
    """What was expected and what came."""


def fill(text: str, captures: Captures) -> str:
    """Put captured values into a text to be sent."""

    def value(hole: re.Match[str]) -> str:
        if hole[1] or hole[2] not in captures:
            raise Mismatch(f"nothing captured as {hole[0]}")
        return captures[hole[2]]

    return _HOLE.sub(value, text)


def match(pattern: str, text: str, captures: Captures) -> None:
    """Raises Mismatch; adds to ``captures``."""
    holes: list[re.Match[str]] = []
    expression = ""
    end = 0
    for hole in _HOLE.finditer(pattern):
        expression += re.escape(pattern[end : hole.start()])
        end = hole.end()
        known = captures.get(hole[2])
        if not hole[1] and known is not None:
            expression += re.escape(known)
            continue
        expression += r"(\d+)" if hole[1] else "(.*?)" if hole[2] == "any" else "(.+?)"
        holes.append(hole)
    found = re.fullmatch(expression + re.escape(pattern[end:]), text, re.DOTALL)
    if found is None:
        raise Mismatch(f"expected {pattern!r}, got {text!r}")
    for hole, value in zip(holes, found.groups(), strict=True):
        if hole[1]:
            _compare(hole, int(value), captures)
        elif hole[2] != "any":
            captures[hole[2]] = value


def _compare(hole: re.Match[str], value: int, captures: Captures) -> None:
    bound = int(hole[2] if hole[2].isdigit() else captures[hole[2]])
    holds = {"<=": value <= bound, ">=": value >= bound, "<": value < bound, ">": value > bound}[hole[1]]
    if not holds:
        raise Mismatch(f"{value} is not {hole[1]} {bound}")
