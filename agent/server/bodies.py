"""Published bodies: checked when they are published, read when somebody watches."""

from functools import lru_cache
from typing import Final

from lxml import etree

from agent.documents import pidf
from agent.documents.errors import DocumentError
from agent.documents.written import Written
from agent.documents.xml import parse_xml
from agent.presence.calls import problem_of
from agent.presence.records import Publication

KEPT: Final = 128
"Bodies that were checked and are not read yet: as many as one wake-up brings."

_checked: Final[dict[tuple[bytes, str | None], etree._Element]] = {}
"""Kept from the check until the composition that follows at once, if somebody watches, and no longer: what was just
used is freed and used again while the processor still has it at hand."""


def document_of(row: Publication) -> pidf.Presence:
    """What a stored publication of the presence package says."""
    body = row.body
    if isinstance(body, Written):
        return body.document
    charset = charset_of(row.content_type)
    root = _checked.pop((body, charset), None)
    return pidf.read(pidf.root_of(body, charset) if root is None else root)


def remembered(row: Publication) -> pidf.Presence:
    """As `document_of`, for one of several publications: when another of them changes, this one is asked for again."""
    body = row.body
    return body.document if isinstance(body, Written) else _remembered(body, charset_of(row.content_type))


@lru_cache(maxsize=2048)
def _remembered(body: bytes, charset: str | None) -> pidf.Presence:
    root = _checked.pop((body, charset), None)
    return pidf.read(pidf.root_of(body, charset) if root is None else root)


def charset_of(stored_type: str) -> str | None:
    """The charset that a publication came with (`PublishRequest.stored_type`)."""
    return stored_type.partition(";charset=")[2] or None


def check_body(package: str, body: bytes, charset: str | None = None) -> str | None:
    """What is wrong with a published body, in words for a reason phrase; None when it can be used.

    A presence document is read no further than to be sure that composition can read it: nobody may be watching.
    """
    try:
        if isinstance(body, Written):
            return None
        if package == "presence":
            root = pidf.root_of(body, charset)
            if len(_checked) >= KEPT:
                del _checked[next(iter(_checked))]
            _checked[body, charset] = root
        elif package == "dialog":
            return problem_of(body, charset)
        else:
            parse_xml(body, charset)
    except DocumentError:
        return "Body Is Not A Presence Document" if _is_xml(body, charset) else "Body Is Not Well-Formed XML"
    return None


def _is_xml(body: bytes, charset: str | None) -> bool:
    try:
        parse_xml(body, charset)
    except DocumentError:
        return False
    return True
