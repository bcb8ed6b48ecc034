"""Whether watchers are told locations (RFC 4119 §2.2.2). Pure.

Nobody is, unless the administrator says so; and then only of locations whose own rules allow that they are passed on.
"""

from dataclasses import replace

from agent.documents.geopriv import Geopriv
from agent.documents.namespaces import GEOPRIV
from agent.documents.pidf import Presence
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Element


def told_locations(document: Presence, opted_in: bool) -> Presence:
    """The document with no more location than may be told."""
    if not _may_hold_location(document):
        return document

    def told(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        kept = [each for each in elements if not isinstance(each, Geopriv) or _may_go_on(each, opted_in)]
        return tuple(
            replace(each, elements=told(each.elements)) if isinstance(each, TimedStatus) else each
            for each in kept
        )

    tuples = tuple(
        replace(
            each,
            elements=told(each.elements),
            status=replace(each.status, elements=told(each.status.elements)),
        )
        for each in document.tuples
    )
    persons = tuple(replace(each, elements=told(each.elements)) for each in document.persons)
    devices = tuple(replace(each, elements=told(each.elements)) for each in document.devices)
    # A location outside of them belongs to nobody, and its rules are not read.
    extensions = tuple(each for each in document.extensions if each.namespace != GEOPRIV)
    return replace(document, tuples=tuples, persons=persons, devices=devices, extensions=extensions)


def _may_hold_location(document: Presence) -> bool:
    """Most hold none, and are not made anew."""
    if document.extensions:
        return True
    parts = [each.elements for each in document.tuples]
    parts += [each.status.elements for each in document.tuples]
    parts += [each.elements for each in document.persons]
    parts += [each.elements for each in document.devices]
    return any(isinstance(element, Geopriv | TimedStatus) for elements in parts for element in elements)


def _may_go_on(location: Geopriv, opted_in: bool) -> bool:
    return opted_in and location.retransmission_allowed
