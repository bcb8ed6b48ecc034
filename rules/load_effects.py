"""``then:`` and the definitions under ``states:`` → effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rules import load_values as read
from rules.custom_xml import XmlLoader
from rules.decision import Basic, Lamp
from rules.model import Effect, NoteTemplate, StateDefinition
from rules.names import ACTIVITIES, MOODS, PLACE_TYPES
from rules.problems import Problems, nearest, suggestion
from rules.source import Node
from rules.templates import Template, TemplateProblem, compile_template
from rules.vocabulary import TEMPLATE_NAMES

EFFECT_KEYS = (
    "basic", "activities", "mood", "note", "lamp", "importance", "place", "place_type", "sphere", "xml",
)  # fmt: skip
STATE_KEYS = (*EFFECT_KEYS, "title", "like")
THEN_KEYS = ("state", *EFFECT_KEYS)


@dataclass(slots=True)
class EffectLoader:
    problems: Problems
    namespaces: Mapping[str, str]
    xml: XmlLoader = field(init=False)

    def __post_init__(self) -> None:
        self.xml = XmlLoader(self.problems, self.namespaces)

    def effect(self, pairs: Mapping[str, Node]) -> Effect:
        """What can be understood of it; the rest is in the problems."""
        problems = self.problems
        given: dict[str, Any] = {}
        for name, node in pairs.items():
            match name:
                case "basic":
                    basic = read.choice(node, problems, "`basic`", [one.value for one in Basic])
                    given["basic"] = Basic(basic) if basic else None
                case "lamp":
                    lamp = read.choice(node, problems, "`lamp`", [one.value for one in Lamp])
                    given["lamp"] = Lamp(lamp) if lamp else None
                case "activities":
                    given["activities"] = self._names(node, "activity", ACTIVITIES)
                case "place_type":
                    given["place_types"] = self._names(node, "place type", PLACE_TYPES)
                case "mood":
                    given["moods"], given["mood_note"] = self._moods(node)
                case "note":
                    given["notes"] = self._notes(node)
                case "place":
                    given["place"] = self.template(node, "`place`")
                case "importance" | "sphere":
                    given[name] = read.text(node, problems, f"`{name}`")
                case "xml":
                    given["extensions"] = self.xml.load(node)
        return Effect(**given)

    def template(self, node: Node, what: str) -> Template | None:
        raw = read.text(node, self.problems, what)
        if raw is None:
            return None
        try:
            return compile_template(raw)
        except TemplateProblem as problem:
            hint = suggestion(problem.name, TEMPLATE_NAMES) if problem.name else problem.hint
            self.problems.add(node, str(problem), hint)
            return None

    def _names(self, node: Node, what: str, known: frozenset[str]) -> tuple[str, ...] | None:
        if node.kind == "list" and not node.items:
            return ()
        words = [read.choice(item, self.problems, f"the {what}", known) for item in node.listed()]
        return tuple(dict.fromkeys(word for word in words if word is not None))

    def _moods(self, node: Node) -> tuple[tuple[str, ...] | None, str | None]:
        moods: list[str] = []
        own: list[str] = []
        for item in node.listed():
            word = read.text(item, self.problems, "`mood`")
            if word is None:
                return None, None
            if word not in MOODS:
                guess = nearest(word, MOODS, 0.8)
                if guess is not None:
                    self.problems.add(item, f"the mood `{word}` is not known", f"did you mean `{guess}`?")
                    return None, None
                self.problems.warn(
                    item, f"`{word}` is no mood of RFC 4480", "it is published as `other` with this word"
                )
                own.append(word)
                word = "other"
            moods.append(word)
        return tuple(dict.fromkeys(moods)), ", ".join(own) or None

    def _notes(self, node: Node) -> tuple[NoteTemplate, ...] | None:
        """A text; ``{en: …, de: …}``; or a list of texts."""
        if node.kind == "map":
            pairs = [(key.text, value) for key, value in node.pairs]
            for key, _ in node.pairs:
                if not _is_language(key.text):
                    self.problems.add(key, f"`{key.text}` is not a language", "write it like en, de or pt-BR")
        else:
            pairs = [("", item) for item in node.listed()]
        filled = [(lang, self.template(value, "`note`")) for lang, value in pairs]
        return tuple(
            NoteTemplate(template, lang or None) for lang, template in filled if template is not None
        )

    def states(self, nodes: Mapping[str, tuple[Node, Node]]) -> dict[str, StateDefinition]:
        """All definitions, each ``like:`` another followed."""
        plain = {
            name: read.mapping(node, self.problems, f"the state `{name}`", STATE_KEYS)
            for name, (_, node) in nodes.items()
        }
        effects = {name: self.effect(pairs) for name, pairs in plain.items()}
        done: dict[str, StateDefinition] = {}
        for name, pairs in plain.items():
            title = pairs.get("title")
            words = read.text(title, self.problems, "`title`") if title is not None else None
            done[name] = StateDefinition(name, self._inherited(name, plain, effects), words)
        return done

    def _inherited(
        self, name: str, plain: Mapping[str, Mapping[str, Node]], effects: Mapping[str, Effect]
    ) -> Effect:
        chain = [name]
        while (like := plain[chain[-1]].get("like")) is not None:
            if like.text not in plain:
                self.problems.unknown(like, "the state", plain)
                break
            if like.text in chain:
                circle = " → ".join([*chain[chain.index(like.text) :], like.text])
                self.problems.add(like, f"states are like one another in a circle: {circle}")
                break
            chain.append(like.text)
        merged: dict[str, Any] = {}
        for one in chain:
            for item in fields(Effect):
                if item.init and merged.get(item.name) is None:
                    merged[item.name] = getattr(effects[one], item.name)
        return Effect(**merged)


def _is_language(word: str) -> bool:
    parts = word.split("-")
    return (
        parts[0].isalpha()
        and 2 <= len(parts[0]) <= 3
        and all(part.isalnum() and len(part) <= 8 for part in parts)
    )
