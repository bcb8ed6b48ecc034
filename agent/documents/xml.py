"""XML in and out: one hardened parser for bodies from the network, and escaping for what is written.

Reading is lxml's work. Writing is string building: the documents are small, their layout is fixed to the
byte, and this is the path of every PUBLISH.
"""

import re
from typing import Final

from lxml import etree

from agent.documents.errors import DocumentError

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 50

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
LANG: Final = f"{{{XML_NAMESPACE}}}lang"
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'

Attributes = tuple[tuple[str, str], ...]
"Pairs of name (`name` or `{namespace}name`) and value, sorted by name."

# Python knows text encodings that cost quadratic time or are no charsets at all (idna, unicode_escape …).
_CODECS: Final = {
    "utf8": "utf-8",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "usascii": "ascii",
    "ascii": "ascii",
    "iso88591": "latin-1",
    "latin1": "latin-1",
    "iso885915": "iso8859-15",
    "windows1252": "cp1252",
}

_HARDENED: Final = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_declared: Final = etree.XMLParser(**_HARDENED)  # type: ignore[arg-type]
_utf8: Final = etree.XMLParser(encoding="utf-8", **_HARDENED)  # type: ignore[arg-type]
_too_deep: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")

_BLANKS: Final = b" " * 256
"""After the end of a document. From 250 bytes before the end libxml2 looks at each step whether there is more to come,
which is a sixth of the reading of a small document; blanks it skips at once."""
_USUAL_STARTS: Final = (b'<?xml version="1.0" encoding="UTF-8"?>', b"<presence")
_PLAIN_START: Final = re.compile(
    rb"""(?:<\?xml version=["']1\.0["'] encoding=["'](?:UTF|utf)-8["']\s*\?>\s*)?<[A-Za-z_]"""
).match
"UTF-8 for sure, as what begins in a usual way, so that every tag begins with a byte that can be counted."
_TEXT_SPECIAL: Final = re.compile(r"[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE_SPECIAL: Final = re.compile(r'[&<>"\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_REFERENCES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}
_NCNAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


def parse_xml(data: bytes, charset: str | None = None) -> etree._Element:
    """The root element of `data`, without comments and processing instructions.

    `charset` is the MIME parameter and beats the XML declaration (RFC 3863 §4.1, RFC 7303 §3).
    Raises `DocumentError` for what is not well-formed, declares a DTD or an entity, is nested deeper than
    50 elements or is larger than 256 KiB.
    """
    if len(data) > MAX_BYTES:
        raise DocumentError(f"the document is larger than {MAX_BYTES} bytes")
    parser, is_usual = _declared, data.startswith(_USUAL_STARTS)
    if charset is not None:
        data, parser = _to_utf8(data, charset), _utf8
    if b"!" in data and b"<!DOCTYPE" in data:
        raise DocumentError("a document type declaration is not allowed")
    try:
        root = etree.fromstring(data + _BLANKS if is_usual else data, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(f"the body is not well-formed XML: {error.msg}") from None
    except (ValueError, LookupError) as error:
        raise DocumentError(f"the body is not XML: {error}") from None
    if root is None:
        raise DocumentError("the body is not well-formed XML: there is no element")
    # COMPAT(lxml 6.1): it goes by the last message, so a prefix that nobody declared is forgiven if a warning follows.
    if len(parser.error_log) and (errors := parser.error_log.filter_from_errors()):
        raise DocumentError(f"the body is not well-formed XML: {errors[0].message}")
    if data.count(b"<") <= 2 * MAX_DEPTH and (is_usual or _PLAIN_START(data)):
        return root  # too few tags to be nested too deep; looking costs as much as half of reading
    # The text search above sees no declaration in UTF-16.
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise DocumentError("a document type declaration is not allowed")
    if _too_deep(root):
        raise DocumentError(f"the document is nested deeper than {MAX_DEPTH} elements")
    return root


def _to_utf8(data: bytes, charset: str) -> bytes:
    codec = _CODECS.get(charset.lower().replace("-", "").replace("_", ""))
    if codec is None:
        raise DocumentError(f"the charset {charset!r} is not supported")
    if codec == "utf-8":
        return data
    try:
        return data.decode(codec).lstrip("\ufeff").encode()
    except UnicodeError:
        raise DocumentError(f"the body is not {charset}") from None


def _reference(match: re.Match[str]) -> str:
    # Characters that XML 1.0 cannot carry at all become the replacement character.
    return _REFERENCES.get(match[0], "\ufffd")


def text_xml(text: str) -> str:
    """`text` as character data."""
    return _TEXT_SPECIAL.sub(_reference, text) if _TEXT_SPECIAL.search(text) else text


def value_xml(value: str) -> str:
    """`value` as the inside of a double-quoted attribute."""
    return _ATTRIBUTE_SPECIAL.sub(_reference, value) if _ATTRIBUTE_SPECIAL.search(value) else value


def attributes_xml(attributes: Attributes) -> str:
    """Attributes as they follow an element's name, each with the declaration of the prefix it needs."""
    if not attributes:
        return ""
    parts: list[str] = []
    for number, (name, value) in enumerate(attributes):
        if not name.startswith("{"):
            parts.append(f' {name}="{value_xml(value)}"')
            continue
        namespace, _, local = name[1:].partition("}")
        if namespace == XML_NAMESPACE:
            parts.append(f' xml:{local}="{value_xml(value)}"')
        else:
            parts.append(f' xmlns:a{number}="{value_xml(namespace)}" a{number}:{local}="{value_xml(value)}"')
    return "".join(parts)


def other_attributes(element: etree._Element, known: frozenset[str]) -> Attributes:
    """The attributes of `element` that are not `known`, sorted by name."""
    names = element.keys()
    if not names or (len(names) == 1 and names[0] in known):
        return ()  # as nearly always, and without a mapping made for it
    return tuple(sorted((str(k), str(v)) for k, v in element.attrib.items() if k not in known))


def text_of(element: etree._Element) -> str:
    """All character data inside, as it is."""
    if len(element) == 0:
        return element.text or ""
    return "".join(str(part) for part in element.itertext())


def token_of(element: etree._Element) -> str:
    """All character data inside without the white space around it."""
    return text_of(element).strip()


def is_ncname(name: str) -> bool:
    """True for an ASCII NCName: fit as element name and as xs:ID."""
    return _NCNAME.fullmatch(name) is not None


def ncname(text: str) -> str:
    """`text` made an NCName by replacing what does not fit; empty stays empty."""
    if not text or _NCNAME.fullmatch(text):
        return text
    fitted = re.sub(r"[^A-Za-z0-9_.\-]", "_", text)
    return fitted if fitted[0].isalpha() or fitted[0] == "_" else "_" + fitted
