"""How deep a document is nested, found without building anything from it. Pure."""

import re

_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_JSON_BRACKET = re.compile(rb"[][{}]")
_XML_MARK = re.compile(
    rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|(?P<definition><!\w)"
    rb"|<(?P<end>/)?[^\s<>/!?][^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*>",
    re.DOTALL,
)


def json_depth(body: bytes) -> int:
    """Of arrays and objects in one another. Well-formedness is not looked at."""
    depth = deepest = 0
    for bracket in _JSON_BRACKET.findall(_JSON_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def xml_depth(body: bytes) -> int | None:
    """Of elements in one another; several roots may follow each other. None: it defines types or entities (DTD),
    which no phone needs and every XML bomb does."""
    depth = deepest = 0
    for mark in _XML_MARK.finditer(body):
        text = mark[0]
        if mark["definition"]:
            return None
        if text.startswith((b"<!", b"<?")):
            continue
        if mark["end"]:
            depth -= 1
            continue
        deepest = max(deepest, depth + 1)
        if not text.endswith(b"/>"):
            depth += 1
    return deepest
