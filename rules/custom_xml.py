"""``xml:`` elements in the organisation's own namespaces, checked at load, carried untouched."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

from rules.decision import Extension
from rules.problems import Problems
from rules.source import Node

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
RESERVED = "urn:ietf:params:xml:ns:"
"Namespaces that the standards own; what the product itself writes is in them."


class _Refused(Exception):
    pass


@dataclass(slots=True)
class XmlLoader:
    problems: Problems
    namespaces: Mapping[str, str]
    "Prefix -> namespace, as the file declares them."

    def load(self, node: Node) -> tuple[Extension, ...] | None:
        """``{acme:desk: "4.12"}``, ``{acme:desk: {text: "4.12", floor: "4"}}`` or the XML itself as text."""
        if node.kind == "text":
            return self._literal(node)
        if node.kind != "map":
            self.problems.add(node, "`xml` must be a mapping of elements, or XML as text")
            return None
        read = [self._element(key, value) for key, value in node.pairs]
        return tuple(one for one in read if one is not None)

    def _element(self, key: Node, value: Node) -> Extension | None:
        name = self._name(key)
        if name is None:
            return None
        text, attributes = "", []
        if value.kind == "text":
            text = value.text
        elif value.kind == "map":
            for attribute, content in value.pairs:
                if content.kind != "text":
                    self.problems.add(content, f"`{attribute.text}` must be text")
                elif attribute.text == "text":
                    text = content.text
                elif not _NAME.match(attribute.text):
                    self.problems.add(attribute, f"`{attribute.text}` is not a name that XML allows")
                else:
                    attributes.append((attribute.text, content.text))
        elif value.kind == "list":
            self.problems.add(value, f"`{key.text}` must be text or a mapping")
            return None
        if any(_CONTROL.search(one) for one in (text, *(content for _, content in attributes))):
            self.problems.add(value, "a control character that XML does not allow", "remove it")
            return None
        return Extension(*name, text=text, attributes=tuple(attributes))

    def _name(self, key: Node) -> tuple[str, str] | None:
        prefix, colon, local = key.text.partition(":")
        if not colon:
            hint = "declare one under `namespaces` and write prefix:name"
            self.problems.add(key, f"the element `{key.text}` has no namespace prefix", hint)
            return None
        if prefix not in self.namespaces:
            self.problems.add(key, f"the prefix `{prefix}` is not declared", "declare it under `namespaces`")
            return None
        if not _NAME.match(local):
            self.problems.add(key, f"`{local}` is not a name that XML allows")
            return None
        return self.namespaces[prefix], local

    def _literal(self, node: Node) -> tuple[Extension, ...] | None:
        declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in self.namespaces.items())
        opening = f"<r{declared}>"
        try:
            return _parse(f"{opening}{node.text}</r>")
        except expat.ExpatError as error:
            words = expat.errors.messages.get(error.code, "an error")
            column = error.offset - (len(opening) if error.lineno == 1 else 0) + 1
            self.problems.add(
                node, f"the XML is not well formed: {words} at its line {error.lineno}, column {column}"
            )
        except _Refused as refused:
            self.problems.add(node, str(refused))
        return None


def _parse(text: str) -> tuple[Extension, ...]:
    parser = expat.ParserCreate(namespace_separator="\n")
    found: list[Extension] = []
    open_elements: list[tuple[str, dict[str, str], list[str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) == 2:
            raise _Refused("an element inside another: one level of elements is carried")
        if open_elements and "\n" not in name:
            raise _Refused(f"the element `{name}` has no namespace prefix")
        open_elements.append((name, attributes, []))

    def end(name: str) -> None:
        _, attributes, content = open_elements.pop()
        if open_elements:
            namespace, _, local = name.partition("\n")
            found.append(Extension(namespace, local, "".join(content), tuple(attributes.items())))
        elif "".join(content).strip():
            raise _Refused("text outside of any element")

    def refuse(*_: object) -> None:
        raise _Refused("a document type or entity declaration is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda data: open_elements[-1][2].append(data)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(text, True)
    return tuple(found)
