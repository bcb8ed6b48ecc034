"""The rules file as a tree of nodes that remember where they stand. Scalars are text again, as written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rules.yaml_marks import MarkedYaml, Path, Problem, read_yaml


@dataclass(slots=True)
class Node:
    """A mapping (``pairs``), a list (``items``), a scalar (``text``) or nothing; lines and columns from 1."""

    kind: str
    "`map`, `list`, `text` or `null`."
    file: str
    line: int
    column: int
    text: str = ""
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)

    def get(self, key: str) -> "Node | None":
        return next((value for name, value in self.pairs if name.text == key), None)

    def listed(self) -> list["Node"]:
        """The items of a list, or the node itself as the only one."""
        return self.items if self.kind == "list" else [self]

    def walk(self) -> Iterator["Node"]:
        yield self
        for item in self.items:
            yield from item.walk()
        for _, value in self.pairs:
            yield from value.walk()


def parse(text: str, file: str) -> tuple[Node, list[Problem]]:
    """The tree of ``text`` and what is wrong with it as YAML; an empty tree when nothing could be read."""
    marked = read_yaml(text, file)
    if marked.data is None:
        return Node("map", file, 1, 1), marked.problems
    return _node(marked, marked.data, ()), marked.problems


def _node(marked: MarkedYaml, data: Any, path: Path) -> Node:
    mark = marked.value_marks[path]
    here = (marked.file, mark.line, mark.column)
    if isinstance(data, dict):
        node = Node("map", *here)
        for name, value in data.items():
            at = marked.key_marks[(*path, name)]
            key = Node("text", marked.file, at.line, at.column, name)
            node.pairs.append((key, _node(marked, value, (*path, name))))
        return node
    if isinstance(data, list):
        return Node("list", *here, items=[_node(marked, item, (*path, i)) for i, item in enumerate(data)])
    if data is None:
        return Node("null", *here)
    return Node("text", *here, text=str(data).lower() if isinstance(data, bool) else str(data))
