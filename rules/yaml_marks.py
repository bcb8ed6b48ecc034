"""YAML read with the place of every key and value, so that a mistake is told by line and column. Pure.

Shared by the rules loader and the settings. It reads the YAML 1.2 core schema, because an admin who writes
``on``, ``no`` or ``12:00`` means the word or the time of day, which YAML 1.1 turns into booleans and 43200.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

MAX_CHARACTERS = 8 * 1024 * 1024
"Ten thousand people with a few links each stay below 3 MiB."
MAX_COPIES = 10_000
"Values that aliases may add, so that nine lines cannot become a billion values."
MAX_DEPTH = 50

Path = tuple[str | int, ...]
"Where a value stands: keys and list indexes from the top, e.g. ``('rules', 0, 'when')``."


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person wrote. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Mark:
    line: int
    column: int


@dataclass(slots=True)
class MarkedYaml:
    """Plain values (dict, list, str, int, float, bool, None) beside the marks of their keys and values."""

    file: str
    data: Any = None
    value_marks: dict[Path, Mark] = field(default_factory=dict)
    key_marks: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def mark(self, path: Path, *, of_key: bool = False) -> Mark:
        """The place of a value (or of its key); of the nearest thing around it when the value is absent."""
        for length in range(len(path), -1, -1):
            prefix = path[:length]
            first, second = self.value_marks.get(prefix), self.key_marks.get(prefix)
            if of_key or length < len(path):
                first, second = second, first
            if found := first or second:
                return found
        return Mark(1, 1)

    def problem(self, path: Path, message: str, hint: str | None = None, *, of_key: bool = False) -> Problem:
        """A problem at that place (not yet added to ``problems``)."""
        mark = self.mark(path, of_key=of_key)
        return Problem(self.file, mark.line, mark.column, message, hint)


def closest(word: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known word that a misspelt one most likely means."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None


def read_yaml(text: str, filename: str) -> MarkedYaml:
    """Read one document. Never raises: what is wrong is in ``problems``, what could be read is in ``data``."""
    marked = MarkedYaml(filename)
    if len(text) > MAX_CHARACTERS:
        marked.problems.append(Problem(filename, 1, 1, f"larger than {MAX_CHARACTERS // 1024 // 1024} MiB"))
        return marked
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        marked.problems.extend(_syntax_problems(filename, text, error))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        character = ord(text[error.position])
        marked.problems.append(
            Problem(filename, line, column, f"the character U+{character:04X} is not allowed")
        )
    except RecursionError:
        marked.problems.append(Problem(filename, 1, 1, f"nested deeper than {MAX_DEPTH} levels"))
    else:
        if node is not None:
            _Builder(marked).build_root(node)
    return marked


def _syntax_problems(filename: str, text: str, error: yaml.MarkedYAMLError) -> list[Problem]:
    message = error.problem or error.context or "not YAML"
    if r"'\t'" in message:
        tabs = [(number, re.match(r" *\t", line)) for number, line in enumerate(text.splitlines(), 1)]
        advice = "YAML indents with spaces only"
        return [
            Problem(filename, number, tab.end(), "a tab in the indentation", advice)
            for number, tab in tabs
            if tab
        ] or [Problem(filename, 1, 1, "a tab where a value begins", advice)]
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    hint: str | None = error.context if error.context != message else None
    if "mapping values are not allowed" in message:
        hint = "a text with a colon in it needs quotes, or the indentation is off"
    elif "but got '{'" in message:
        hint = "a text with { in it needs quotes here"
    elif "undefined alias" in message:
        hint = "a text that begins with * needs quotes"
    elif "found another document" in message:
        message, hint = "a second document begins", "remove the line ---"
    return [Problem(filename, line, column, message, hint)]


class _CoreLoader(yaml.SafeLoader):
    """SafeLoader that resolves plain words as YAML 1.2 does."""


_CoreLoader.yaml_implicit_resolvers = {}
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)

_FAST: Any = getattr(yaml, "CSafeLoader", None)
"libyaml, where PyYAML was built with it: ten times as fast, for ten thousand people in one file."
if _FAST is not None:

    class _FastLoader(_FAST):  # type: ignore[misc]
        yaml_implicit_resolvers = _CoreLoader.yaml_implicit_resolvers


def _compose(text: str) -> yaml.Node | None:
    """By libyaml if nothing is wrong with the text, else by PyYAML itself, whose messages say more."""
    if _FAST is not None:
        try:
            if _is_shallow(text):
                found: yaml.Node | None = yaml.compose(text, Loader=_FastLoader)
                return found
        except yaml.YAMLError:
            pass
    return yaml.compose(text, Loader=_CoreLoader)


def _is_shallow(text: str) -> bool:
    """Composing recurses in C, where too deep a nesting would end the process; reading events does not."""
    depth = 0
    for event in yaml.parse(text, Loader=_FAST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH + 1:
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return True


_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


class _TooMuch(Exception):
    def __init__(self, node: yaml.Node, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.node, self.hint = node, hint


class _Builder:
    """Nodes to plain values, with marks; duplicate keys, foreign tags and bombs become problems."""

    def __init__(self, marked: MarkedYaml) -> None:
        self._marked = marked
        self._copies = 0
        self._seen: set[int] = set()
        self._open: set[int] = set()

    def build_root(self, node: yaml.Node) -> None:
        try:
            self._marked.data = self._build(node, ())
        except _TooMuch as reason:
            self._marked.data = None
            self._add(reason.node, str(reason), reason.hint)

    def _add(self, node: yaml.Node, message: str, hint: str | None = None) -> None:
        mark = node.start_mark
        problem = Problem(self._marked.file, mark.line + 1, mark.column + 1, message, hint)
        if problem not in self._marked.problems:
            self._marked.problems.append(problem)

    def _build(self, node: yaml.Node, path: Path) -> Any:
        self._copies += id(node) in self._seen
        self._seen.add(id(node))
        if self._copies > MAX_COPIES:
            raise _TooMuch(node, f"aliases add more than {MAX_COPIES} values", "write them out")
        if id(node) in self._open:
            raise _TooMuch(node, "an alias inside what it stands for")
        if len(path) > MAX_DEPTH:
            raise _TooMuch(node, f"nested deeper than {MAX_DEPTH} levels")
        self._marked.value_marks[path] = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        convert = _SCALARS.get(node.tag)
        if convert is None:
            self._add(node, f"the tag {node.tag!r} is not known here", "write plain values")
            return None
        return convert(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(key_node, "a key must be a word", "a text that begins with { or [ needs quotes")
                continue
            name = str(key_node.value)
            here = (*path, name)
            mark = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if name in built:
                first = self._marked.key_marks[here]
                self._add(key_node, f"{name!r} is here twice", f"first in line {first.line}")
                continue
            self._marked.key_marks[here] = mark
            built[name] = self._build(value_node, here)
        return built
