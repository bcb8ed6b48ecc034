"""Elements that we do not know, kept so that no publisher's extension is lost on its way to the watchers.

RFC 3863 §4.2.3: readers ignore what they do not know; a compositor that dropped it would decide for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from agent.documents.errors import DocumentError
from agent.documents.namespaces import PREFIXES
from agent.documents.xml import XML_NAMESPACE, Attributes, is_ncname, text_xml, value_xml

_QNAME_IN_CONTENT: Final = re.compile(r"(?<!\S)([A-Za-z_][\w.\-]*):[A-Za-z_][\w.\-]*(?!\S)")


@dataclass(slots=True, unsafe_hash=True)
class Foreign:
    """One element of another namespace, or one that the format's schema does not have.

    `markup` is the element written out canonically (attributes sorted, only the namespace declarations
    that are used, every one of them on the spot), so that equal elements are equal text and it can stand
    anywhere in a document.
    """

    namespace: str
    name: str
    markup: str

    @property
    def kind(self) -> str:
        """Name for grouping: `{namespace}name`."""
        return f"{{{self.namespace}}}{self.name}"

    @property
    def group(self) -> str:
        return self.kind

    def xml(self) -> str:
        return self.markup


def keep(element: etree._Element) -> Foreign:
    """The element as it came, canonically written."""
    namespace, _, name = element.tag[1:].partition("}") if element.tag[0] == "{" else ("", "", element.tag)
    parts: list[str] = []
    _write(element, {}, parts, _content_prefixes(element))
    return Foreign(namespace, name, "".join(parts))


def make(namespace: str, name: str, text: str = "", attributes: Attributes = ()) -> Foreign:
    """A new element with text. Raises `DocumentError` when a name is not an XML name (ASCII NCName)."""
    for each in (name, *(key for key, _ in attributes)):
        if not is_ncname(each) or each == "xmlns":
            raise DocumentError(f"{each!r} is not an XML name")
    if not namespace:
        raise DocumentError(f"the element {name!r} needs a namespace")
    parts = [f'<x:{name} xmlns:x="{value_xml(namespace)}"']
    parts += [f' {key}="{value_xml(value)}"' for key, value in sorted(attributes)]
    parts.append(f">{text_xml(text)}</x:{name}>" if text else "/>")
    return Foreign(namespace, name, "".join(parts))


def _content_prefixes(element: etree._Element) -> frozenset[str]:
    """Prefixes in scope that text or attribute values mention, as qualified names in content do.

    Ours do not count: our root declares them or not, and the same element must not look different for it.
    """
    bound = {prefix for prefix, uri in element.nsmap.items() if prefix and (prefix, uri) not in PREFIXES}
    if not bound:
        return frozenset()
    mentioned: set[str] = set()
    for node in element.iter():
        for content in (node.text, *node.attrib.values(), node.tail if node is not element else None):
            if content and ":" in content:
                mentioned.update(_QNAME_IN_CONTENT.findall(str(content)))
    return frozenset(bound & mentioned)


def _write(
    element: etree._Element, scope: Mapping[str | None, str], parts: list[str], wanted: frozenset[str]
) -> None:
    """Append the element. `scope`: the prefixes bound so far inside this markup."""
    local = element.tag.rpartition("}")[2]
    namespace = element.tag[1:].partition("}")[0] if element.tag[0] == "{" else ""
    prefix = element.prefix
    declare: dict[str | None, str] = {}  # prefix -> namespace
    if scope.get(prefix) != namespace:
        declare[prefix] = namespace
    attributes: list[tuple[str, str]] = []
    attrib = element.attrib
    for key, value in sorted((str(k), str(v)) for k, v in attrib.items()) if len(attrib) else ():
        if key[0] != "{":
            attributes.append((key, value))
            continue
        uri, _, name = key[1:].partition("}")
        if uri == XML_NAMESPACE:
            attributes.append((f"xml:{name}", value))
            continue
        used = min(p for p, u in element.nsmap.items() if p and u == uri)
        if declare.get(used, scope.get(used)) != uri:
            declare[used] = uri
        attributes.append((f"{used}:{name}", value))
    for mentioned in wanted:
        uri = element.nsmap.get(mentioned, "")
        if uri and declare.get(mentioned, scope.get(mentioned)) != uri:
            declare[mentioned] = uri
    name = f"{prefix}:{local}" if prefix else local
    parts.append(f"<{name}")
    for bound in sorted(declare, key=lambda p: p or ""):
        parts.append(f" xmlns:{bound}" if bound else " xmlns")
        parts.append(f'="{value_xml(declare[bound])}"')
    parts += [f' {key}="{value_xml(value)}"' for key, value in attributes]
    if len(element) == 0 and not element.text:
        parts.append("/>")
        return
    parts.append(">")
    if element.text:
        parts.append(text_xml(element.text))
    inner = {**scope, **declare} if declare else scope
    for child in element:
        _write(child, inner, parts, wanted)
        if child.tail:
            parts.append(text_xml(child.tail))
    parts.append(f"</{name}>")
