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
LARGEST = 8192
"Characters of XML as text: it travels in every notification."
DEEPEST = 20
_DECLARE = "declare it under `namespaces` and write prefix:name, or write the element as XML text"


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
                elif _is_declaration(attribute.text):
                    self.problems.add(
                        attribute, f"`{attribute.text}` declares a namespace, it is no attribute", _DECLARE
                    )
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
        if len(node.text) > LARGEST:
            self.problems.add(node, f"the XML is longer than {LARGEST} characters", "it travels every time")
            return None
        try:
            return _Reader(opening, node.text).read()
        except expat.ExpatError as error:
            words = expat.errors.messages.get(error.code, "an error")
            column = error.offset - (len(opening) if error.lineno == 1 else 0) + 1
            self.problems.add(
                node, f"the XML is not well formed: {words} at its line {error.lineno}, column {column}"
            )
        except _Refused as refused:
            self.problems.add(node, str(refused))
        return None


def _is_declaration(name: str) -> bool:
    return name == "xmlns" or name.startswith("xmlns:")


class _Reader:
    """One use: XML as text -> its elements. What more than text and plain attributes is kept as it was written."""

    def __init__(self, opening: str, text: str) -> None:
        self._opening = opening
        self._data = f"{opening}{text}</r>".encode()
        self._found: list[Extension] = []
        self._depth = 0
        self._start = 0
        self._name = ("", "")
        self._attributes: dict[str, str] = {}
        self._text: list[str] = []
        self._plain = True
        "So far nothing but text and attributes with plain names."

    def read(self) -> tuple[Extension, ...]:
        """Raises ExpatError and _Refused."""
        self._parser = parser = expat.ParserCreate(namespace_separator="\n")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.Parse(self._data, True)
        return tuple(self._found)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            return
        namespace, separator, local = name.rpartition("\n")
        if not separator:
            raise _Refused(f"the element `{local}` has no namespace prefix")
        if namespace.startswith(RESERVED):
            raise _Refused(f"the element `{local}` is in `{namespace}`, which is not yours to fill")
        if self._depth > DEEPEST:
            raise _Refused(f"elements inside one another more than {DEEPEST} deep")
        if self._depth > 2:
            self._plain = False
            return
        self._start = self._parser.CurrentByteIndex
        self._name, self._attributes, self._text = (namespace, local), attributes, []
        self._plain = all(_NAME.match(one) for one in (local, *attributes))

    def _finish(self, name: str) -> None:
        self._depth -= 1
        if self._depth != 1:
            return
        if self._plain:
            self._found.append(Extension(*self._name, "".join(self._text), tuple(self._attributes.items())))
            return
        end = self._start + _tag_length(self._data[self._start :])
        if self._data[end - 2 : end] != b"/>":
            end = self._data.index(b">", self._parser.CurrentByteIndex) + 1  # an end tag holds no other one
        written = self._data[self._start : end].decode()
        self._found.append(Extension(*self._name, markup=f"{self._opening}{written}</r>"))

    def _characters(self, data: str) -> None:
        if self._depth == 1 and data.strip():
            raise _Refused("text outside of any element")
        self._text.append(data)

    def _refuse(self, *_: object) -> None:
        raise _Refused("a document type or entity declaration is not allowed")


def _tag_length(data: bytes) -> int:
    """Of the tag at the beginning: up to the first `>` outside of quotes."""
    tag = re.match(rb"""<(?:[^'">]|'[^']*'|"[^"]*")*>""", data)
    assert tag is not None, "expat has read it"
    return tag.end()
