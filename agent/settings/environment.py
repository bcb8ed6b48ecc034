"""Overrides from the environment: ``LAMPLIGHTER_HTTP__PORT=9000`` sets ``port`` under ``http``.

Two underscores go one level deeper; case does not matter, and ``-`` in a key is ``_`` in the variable. Values are
text; one that begins with ``[`` or ``{`` is read as YAML.
"""

from collections.abc import Mapping
from typing import Any

from rules.yaml_marks import MarkedYaml, Problem, read_yaml

PREFIX = "LAMPLIGHTER_"
NOT_SETTINGS = frozenset(
    {"LAMPLIGHTER_SETTINGS", "LAMPLIGHTER_DEBUG", "LAMPLIGHTER_SIP_PASSWORD", "LAMPLIGHTER_KEY"}
)
"Variables that say where the settings are, or that commands read for themselves."


def apply_environment(marked: MarkedYaml, environ: Mapping[str, str]) -> dict[tuple[str | int, ...], str]:
    """Put the overrides into ``marked.data``. Returns which path came from which variable."""
    origins: dict[tuple[str | int, ...], str] = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        path = _put(marked, variable[len(PREFIX) :].split("__"), _value(marked, variable, environ[variable]))
        if path is None:
            message = "there is no such place in the settings"
            marked.problems.append(Problem(f"environment {variable}", 1, 1, message))
        else:
            origins[path] = variable
    return origins


def _value(marked: MarkedYaml, variable: str, text: str) -> Any:
    if variable.upper().endswith("PASSWORD"):
        return "${" + variable + "}"
    if not text.lstrip().startswith(("[", "{")):
        return text
    read = read_yaml(text, f"environment {variable}")
    marked.problems.extend(read.problems)
    return read.data


def _put(marked: MarkedYaml, segments: list[str], value: Any) -> tuple[str | int, ...] | None:
    if marked.data is None:
        marked.data = {}
    place: Any = marked.data
    path: list[str | int] = []
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if isinstance(place, list) and segment.isdecimal() and int(segment) < len(place):
            key: str | int = int(segment)
        elif isinstance(place, dict) and segment:
            key = next((known for known in place if _same(known, segment)), segment.lower())
        else:
            return None
        path.append(key)
        if last:
            place[key] = value
        elif isinstance(place, dict) and place.get(key) is None:
            place[key] = {}
        place = place[key]
    return tuple(path)


def _same(key: str, segment: str) -> bool:
    return key.replace("-", "_").lower() == segment.lower()
