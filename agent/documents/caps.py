"""What a service or a device is capable of (RFC 5196). What is absent is not stated, in neither direction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from agent.documents.foreign import Foreign, keep
from agent.documents.namespaces import CAPS
from agent.documents.values import Element, Note, read_note
from agent.documents.xml import Attributes, attributes_xml, other_attributes, text_of, text_xml, token_of

# In the schema's order.
_SERVICE = [
    "actor",
    "application",
    "audio",
    "automata",
    "class",
    "control",
    "data",
    "description",
    "duplex",
    "event-packages",
    "extensions",
    "isfocus",
    "message",
    "methods",
    "languages",
    "priority",
    "schemes",
    "text",
    "type",
    "video",
]
_DEVICE = ["description", "mobility"]
_FLAGS = frozenset("application audio automata control data isfocus message text video".split())  # noqa: SIM905
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capability:
    """One entry of a list: `<caps:full/>`, `<caps:s>sip</caps:s>` or `<caps:lowerthan maxvalue="10"/>`."""

    name: str
    text: str = ""
    attributes: Attributes = ()

    def xml(self) -> str:
        head = f"caps:{self.name}{attributes_xml(self.attributes)}"
        return f"<{head}>{text_xml(self.text)}</caps:{self.name}>" if self.text else f"<{head}/>"


Entries = tuple[Capability | Foreign, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """A list of what is supported and what is not, such as `methods`; None: nothing said."""

    name: str
    supported: Entries | None = None
    notsupported: Entries | None = None

    def xml(self) -> str:
        parts = [f"<caps:{self.name}>"]
        for name, entries in (("supported", self.supported), ("notsupported", self.notsupported)):
            if entries is not None:
                inside = "".join([each.xml() for each in entries])
                parts.append(f"<caps:{name}>{inside}</caps:{name}>")
        parts.append(f"</caps:{self.name}>")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Capabilities:
    kind: ClassVar[str] = ""
    group: ClassVar[str] = ""
    order: ClassVar[list[str]] = []

    flags: tuple[tuple[str, bool], ...] = ()
    "Sorted by name."
    features: tuple[Feature, ...] = ()
    "Sorted by name."
    descriptions: tuple[Note, ...] = ()
    types: tuple[str, ...] = ()
    "MIME types."
    foreign: tuple[Foreign, ...] = ()
    attributes: Attributes = ()

    def xml(self) -> str:
        said: dict[str, list[str]] = {}
        for name, value in self.flags:
            said[name] = [f"<caps:{name}>{'true' if value else 'false'}</caps:{name}>"]
        for feature in self.features:
            said[feature.name] = [feature.xml()]
        said["description"] = [note.xml("caps:description") for note in self.descriptions]
        said["type"] = [f"<caps:type>{text_xml(each)}</caps:type>" for each in self.types]
        inside = "".join([part for name in self.order for part in said.get(name, ())])
        outside = "".join([each.markup for each in self.foreign])
        return f"<caps:{self.kind}{attributes_xml(self.attributes)}>{inside}{outside}</caps:{self.kind}>"


@dataclass(frozen=True, slots=True)
class ServCaps(_Capabilities):
    """Of a service: child of a tuple (RFC 5196 §3.2)."""

    kind: ClassVar[str] = "servcaps"
    group: ClassVar[str] = "servcaps"
    order: ClassVar[list[str]] = _SERVICE


@dataclass(frozen=True, slots=True)
class DevCaps(_Capabilities):
    """Of a device: child of a device (RFC 5196 §3.3)."""

    kind: ClassVar[str] = "devcaps"
    group: ClassVar[str] = "devcaps"
    order: ClassVar[list[str]] = _DEVICE


def _reader(cls: type[ServCaps] | type[DevCaps]) -> Callable[[etree._Element], Element]:
    known = {f"{{{CAPS}}}{name}": name for name in cls.order}

    def read(element: etree._Element) -> Element:
        flags: dict[str, bool] = {}
        features: dict[str, Feature] = {}
        descriptions: list[Note] = []
        types: list[str] = []
        foreign: list[Foreign] = []
        for child in element:
            name = known.get(child.tag)
            word = token_of(child).lower() if name in _FLAGS else ""
            if name == "description":
                descriptions.append(read_note(child))
            elif name == "type":
                types.append(token_of(child))
            elif name in _FLAGS and name not in flags and word in _TRUE | _FALSE:
                flags[name] = word in _TRUE
            elif name and name not in _FLAGS and name not in features and (feature := _feature(child, name)):
                features[name] = feature
            else:
                foreign.append(keep(child))
        return cls(
            tuple(sorted(flags.items())),
            tuple(features[name] for name in sorted(features)),
            tuple(descriptions),
            tuple(types),
            tuple(foreign),
            other_attributes(element, _NONE),
        )

    return read


def _feature(element: etree._Element, name: str) -> Feature | None:
    """None when there is more in it than the two lists."""
    lists: dict[str, Entries] = {}
    for child in element:
        which = child.tag.rpartition("}")[2]
        if child.tag != f"{{{CAPS}}}{which}" or which not in ("supported", "notsupported") or which in lists:
            return None
        lists[which] = tuple([_entry(each) for each in child])
    return Feature(name, lists.get("supported"), lists.get("notsupported"))


def _entry(element: etree._Element) -> Capability | Foreign:
    if not element.tag.startswith(f"{{{CAPS}}}") or len(element):
        return keep(element)
    name = element.tag.rpartition("}")[2]
    return Capability(name, text_of(element).strip(), other_attributes(element, _NONE))


READERS: dict[str, Callable[[etree._Element], Element | None]] = {
    f"{{{CAPS}}}servcaps": _reader(ServCaps),
    f"{{{CAPS}}}devcaps": _reader(DevCaps),
}
