"""The device identifier of the presence data model (RFC 4479 §3.4): a URN that ties tuples to devices."""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from agent.documents.namespaces import DATA_MODEL
from agent.documents.xml import text_xml, token_of

TAG = f"{{{DATA_MODEL}}}deviceID"


@dataclass(frozen=True, slots=True)
class DeviceID:
    """`dm:deviceID` inside a tuple. A service may run on several devices, so there may be several."""

    kind: ClassVar[str] = "deviceID"
    group: ClassVar[str] = "deviceID"

    urn: str

    def xml(self) -> str:
        return f"<dm:deviceID>{text_xml(self.urn)}</dm:deviceID>"


def read(element: etree._Element) -> DeviceID | None:
    urn = token_of(element)
    return DeviceID(urn) if urn else None


def urn_key(urn: str) -> str:
    """Equal for equivalent URNs (RFC 8141 §3): scheme and namespace without case, UUIDs without case."""
    scheme, _, rest = urn.strip().partition(":")
    if scheme.lower() != "urn":
        return urn.strip()
    namespace, _, specific = rest.partition(":")
    if namespace.lower() == "uuid":
        specific = specific.lower()
    return f"urn:{namespace.lower()}:{specific}"
