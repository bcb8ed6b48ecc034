"""Reading RPID (RFC 4480): leniently, keeping what is not known."""

from collections.abc import Callable
from typing import Final

from lxml import etree

from agent.documents.foreign import Foreign, keep
from agent.documents.namespaces import DATA_MODEL, LOCATION_TYPE, PIDF, RPID
from agent.documents.rpid import (
    Activities,
    Choices,
    Class,
    Mood,
    PlaceIs,
    PlaceType,
    Privacy,
    Relationship,
    ServiceClass,
    Sphere,
    StatusIcon,
    TimeOffset,
    UserInput,
)
from agent.documents.rpid_names import PLACE_AUDIO, PLACE_TEXT, PLACE_VIDEO
from agent.documents.values import Element, Note, read_note, read_time
from agent.documents.xml import other_attributes, token_of

_FRAME: Final = frozenset({"from", "until", "id"})
_NOTES: Final = frozenset(f"{{{namespace}}}note" for namespace in (RPID, PIDF, DATA_MODEL))
_OTHER: Final = f"{{{RPID}}}other"
_PLACE_MEDIA: Final = {
    f"{{{RPID}}}audio": ("audio", PLACE_AUDIO),
    f"{{{RPID}}}video": ("video", PLACE_VIDEO),
    f"{{{RPID}}}text": ("text", PLACE_TEXT),
}

_CHOICES: Final[tuple[type[Choices], ...]] = (
    Activities,
    Mood,
    PlaceType,
    Privacy,
    Relationship,
    ServiceClass,
    Sphere,
)


def _choices_reader(cls: type[Choices]) -> Callable[[etree._Element], Choices]:
    namespace = LOCATION_TYPE if cls is PlaceType else RPID
    known = {f"{{{namespace}}}{name}": name for name in cls.names}
    open_vocabulary = f"{{{LOCATION_TYPE}}}" if cls is PlaceType else None
    has_other = cls not in (Privacy, ServiceClass, Sphere)
    is_text = cls is Sphere

    def read_choices(element: etree._Element) -> Choices:
        values: list[str] = []
        notes: list[Note] = []
        foreign: list[Foreign] = []
        other: Note | None = None
        for child in element:
            tag = child.tag
            name = known.get(tag)
            if name is None and open_vocabulary and tag.startswith(open_vocabulary) and len(child) == 0:
                name = tag[len(open_vocabulary) :]
            if name is not None:
                if name not in values:
                    values.append(name)
            elif tag in _NOTES:
                notes.append(read_note(child))
            elif tag == _OTHER and has_other and other is None:
                other = read_note(child)
            else:
                foreign.append(keep(child))
        if is_text and (text := (element.text or "").strip()):
            # COMPAT(RFC 4480 §3.11 example): text where the schema has elements; `work` is meant as the element.
            if text.lower() in cls.names and not values:
                values.append(text.lower())
            else:
                other = Note(text)
        if cls is Privacy:
            values.sort()
        if len(element.attrib) == 0:
            return cls(tuple(values), other, tuple(notes), tuple(foreign))
        return cls(
            tuple(values),
            other,
            tuple(notes),
            tuple(foreign),
            from_=read_time(element.get("from")),
            until=read_time(element.get("until")),
            id=element.get("id"),
            attributes=other_attributes(element, _FRAME),
        )

    return read_choices


def _read_place_is(element: etree._Element) -> PlaceIs:
    said: dict[str, str] = {}
    notes: list[Note] = []
    foreign: list[Foreign] = []
    for child in element:
        medium = _PLACE_MEDIA.get(child.tag)
        if child.tag in _NOTES:
            notes.append(read_note(child))
        elif medium and len(child) and (value := _local(child[0])) in medium[1] and medium[0] not in said:
            said[medium[0]] = value
        else:
            foreign.append(keep(child))
    return PlaceIs(
        said.get("audio"),
        said.get("video"),
        said.get("text"),
        tuple(notes),
        tuple(foreign),
        from_=read_time(element.get("from")),
        until=read_time(element.get("until")),
        id=element.get("id"),
        attributes=other_attributes(element, _FRAME),
    )


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_class(element: etree._Element) -> Class | None:
    token = token_of(element)
    if not token:
        return None
    return Class(token, id=element.get("id"), attributes=other_attributes(element, _FRAME))


def _read_status_icon(element: etree._Element) -> StatusIcon:
    return StatusIcon(
        token_of(element),
        from_=read_time(element.get("from")),
        until=read_time(element.get("until")),
        id=element.get("id"),
        attributes=other_attributes(element, _FRAME),
    )


def _read_time_offset(element: etree._Element) -> TimeOffset | None:
    try:
        minutes = int(token_of(element))
    except ValueError:
        return None
    return TimeOffset(
        minutes,
        element.get("description"),
        from_=read_time(element.get("from")),
        until=read_time(element.get("until")),
        id=element.get("id"),
        attributes=other_attributes(element, _FRAME | {"description"}),
    )


def _read_user_input(element: etree._Element) -> UserInput | None:
    word = token_of(element)
    if word not in ("active", "idle"):
        return None
    if len(element.attrib) == 0:
        return UserInput(word == "active")
    threshold = element.get("idle-threshold", "")
    is_number = threshold.isascii() and threshold.isdigit() and 0 < len(threshold) < 10
    return UserInput(
        word == "active",
        int(threshold) if is_number else None,
        read_time(element.get("last-input")),
        from_=read_time(element.get("from")),
        until=read_time(element.get("until")),
        id=element.get("id"),
        attributes=other_attributes(element, _FRAME | {"idle-threshold", "last-input"}),
    )


READERS: Final[dict[str, Callable[[etree._Element], Element | None]]] = {
    **{f"{{{RPID}}}{cls.kind}": _choices_reader(cls) for cls in _CHOICES},
    f"{{{RPID}}}place-is": _read_place_is,
    f"{{{RPID}}}class": _read_class,
    f"{{{RPID}}}status-icon": _read_status_icon,
    f"{{{RPID}}}time-offset": _read_time_offset,
    f"{{{RPID}}}user-input": _read_user_input,
}
"Tag -> reader. A reader answers None for an element that says nothing it could hold."
