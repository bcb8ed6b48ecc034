"""All the elements that we know inside tuples, persons, devices and statuses, by tag."""

from collections.abc import Callable
from typing import Final

from lxml import etree

from agent.documents import caps, cipid, device_id, geopriv, lamplighter, rpid_reading, timed_status
from agent.documents.foreign import keep
from agent.documents.values import Element


def read_element(element: etree._Element) -> Element:
    """The element as what it is; kept as `Foreign` when we do not know it or cannot make sense of it."""
    reader = _READERS.get(element.tag)
    known = reader(element) if reader is not None else None
    return known if known is not None else keep(element)


_READERS: Final[dict[str, Callable[[etree._Element], Element | None]]] = {
    **rpid_reading.READERS,
    **cipid.READERS,
    **caps.READERS,
    **lamplighter.READERS,
    geopriv.TAG: geopriv.read,
    device_id.TAG: device_id.read,
    timed_status.TAG: lambda element: timed_status.read(element, read_element),
}
