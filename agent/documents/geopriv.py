"""Location objects (RFC 4119, RFC 5491): the location passes through as it is, its usage rules are obeyed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from lxml import etree

from agent.documents.foreign import Foreign, keep
from agent.documents.namespaces import BASIC_POLICY, GEOPRIV
from agent.documents.values import read_time, time_xml
from agent.documents.xml import Attributes, attributes_xml, other_attributes, token_of

TAG = f"{{{GEOPRIV}}}geopriv"

DEFAULT_RETENTION = timedelta(hours=24)
"RFC 4119 §2.2.2: an object without expiry is kept for at most 24 hours."

_RULES = frozenset({GEOPRIV, BASIC_POLICY})
_TRUE = frozenset({"true", "yes", "1"})


@dataclass(frozen=True, slots=True)
class Geopriv:
    """One location, child of a device, person or tuple, in older documents of a status."""

    kind: ClassVar[str] = "geopriv"
    group: ClassVar[str] = "geopriv"

    location: Foreign
    "The whole `location-info`."
    retransmission_allowed: bool = False
    "Whether the receiver may pass it on. Absent means no, and it is always written (RFC 4119 §2.2.2)."
    retention_expiry: datetime | None = None
    "When the receiver must discard it."
    rules: tuple[Foreign, ...] = ()
    "The other usage rules."
    others: tuple[Foreign, ...] = ()
    "`method`, `provided-by` and extensions."
    attributes: Attributes = ()

    def discard_at(self, taken_at: datetime) -> datetime:
        """When it must be gone. `taken_at`: the timestamp of the component around it."""
        if self.retention_expiry is not None:
            return self.retention_expiry
        return min(taken_at, _LAST_DAY) + DEFAULT_RETENTION

    def xml(self) -> str:
        allowed = "true" if self.retransmission_allowed else "false"
        parts = [
            f"<gp:geopriv{attributes_xml(self.attributes)}>{self.location.markup}<gp:usage-rules>",
            f"<gbp:retransmission-allowed>{allowed}</gbp:retransmission-allowed>",
        ]
        if self.retention_expiry is not None:
            parts.append(f"<gbp:retention-expiry>{time_xml(self.retention_expiry)}</gbp:retention-expiry>")
        parts += [each.markup for each in self.rules]
        parts.append("</gp:usage-rules>")
        parts += [each.markup for each in self.others]
        parts.append("</gp:geopriv>")
        return "".join(parts)


def read(element: etree._Element) -> Geopriv | None:
    """None when there is no location in it.

    An expiry that cannot be read counts as the earliest moment there is: what must be discarded at a time
    nobody knows is not kept.
    """
    location: Foreign | None = None
    allowed = False
    expiry: datetime | None = None
    rules: list[Foreign] = []
    others: list[Foreign] = []
    for child in element:
        if child.tag == f"{{{GEOPRIV}}}location-info" and location is None:
            location = keep(child)
        elif child.tag == f"{{{GEOPRIV}}}usage-rules":
            for rule in child:
                namespace, _, name = rule.tag[1:].partition("}")
                if namespace in _RULES and name == "retransmission-allowed":
                    allowed = token_of(rule).lower() in _TRUE
                # RFC 4119 §2.2.2 calls it retention-expires in the prose, retention-expiry in the schema.
                elif namespace in _RULES and name in ("retention-expiry", "retention-expires"):
                    expiry = read_time(token_of(rule)) or _LONG_AGO
                else:
                    rules.append(keep(rule))
        else:
            others.append(keep(child))
    if location is None:
        return None
    attributes = other_attributes(element, frozenset())
    return Geopriv(location, allowed, expiry, tuple(rules), tuple(others), attributes)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LAST_DAY = datetime.max.replace(tzinfo=UTC) - DEFAULT_RETENTION
