"""The JSON Schema of rules files, for completion in editors: made from the vocabulary that the loader uses."""

from typing import Any

from rules.cases import CASE_KEYS, EXPECT_KEYS, PERSON_KEYS
from rules.decision import Basic, Lamp
from rules.load_effects import STATE_KEYS, THEN_KEYS
from rules.load_rules import RULE_KEYS
from rules.loader import TOP_KEYS
from rules.names import ACTIVITIES, MOODS, PLACE_TYPES
from rules.vocabulary import STALE, UNKNOWN, WORDS, Attribute, Takes, Word

_TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_DURATION: dict[str, Any] = {
    "type": "string",
    "pattern": r"^(\s*\d+(\.\d+)?\s*[smhdw])+\s*$",
    "examples": ["10m", "1h30m"],
}


def _several(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _attribute(attribute: Attribute) -> dict[str, Any]:
    match attribute.takes:
        case Takes.CHOICE:
            shape = _several({"enum": list(attribute.choices)})
        case Takes.FRESHNESS:
            shape = {"enum": [True, "allow"]}
        case Takes.YES_NO:
            shape = {"type": "boolean"}
        case Takes.DURATION:
            shape = dict(_DURATION)
        case Takes.TEXT | Takes.DATES | Takes.DAYS:
            shape = _several(dict(_TEXT))
        case _:
            shape = dict(_TEXT)
    return {"description": f"{attribute.doc}. {attribute.takes.value}. Example: {attribute.example}", **shape}


def _word(word: Word) -> dict[str, Any]:
    attributes = {name: _attribute(attribute) for name, attribute in word.attributes.items()}
    full = {
        "type": "object",
        "properties": attributes,
        "additionalProperties": False,
        "minProperties": 1,
    }
    short = {key: value for key, value in attributes[word.short].items() if key != "description"}
    shapes = [short, full]
    if word.fact:
        shapes.append({"enum": [UNKNOWN, STALE]})
    if word is WORDS["time"]:
        shapes.append({"type": "string"})
    return {"description": f"{word.doc} Example: {word.example}", "anyOf": shapes}


def _effect(keys: tuple[str, ...]) -> dict[str, Any]:
    note = {"anyOf": [_several(dict(_TEXT)), {"type": "object", "additionalProperties": {"type": "string"}}]}
    shapes: dict[str, Any] = {
        "state": {"type": "string", "description": "The state; `{manual.state}` is what the person chose."},
        "basic": {"enum": [one.value for one in Basic]},
        "activities": {
            "anyOf": [{"enum": sorted(ACTIVITIES)}, {"type": "array", "items": {"enum": sorted(ACTIVITIES)}}]
        },
        "mood": _several({"anyOf": [{"enum": sorted(MOODS)}, {"type": "string"}]}),
        "note": {**note, "description": "Text; {en: …, de: …}; may hold names like {calendar.ends:%H:%M}."},
        "lamp": {"enum": [one.value for one in Lamp]},
        "importance": {"type": "string"},
        "place": {"type": "string"},
        "place_type": {
            "anyOf": [
                {"enum": sorted(PLACE_TYPES)},
                {"type": "array", "items": {"enum": sorted(PLACE_TYPES)}},
            ]
        },
        "sphere": {"type": "string"},
        "xml": {"type": ["object", "string"], "description": "Elements in a namespace of your own."},
        "title": {"type": "string", "description": "What boards call it."},
        "like": {"type": "string", "description": "Takes over what that state says and this one does not."},
    }
    return {"type": "object", "properties": {key: shapes[key] for key in keys}, "additionalProperties": False}


def _when() -> dict[str, Any]:
    one = {"$ref": "#/$defs/condition"}
    many = {"type": "array", "items": one, "minItems": 1}
    joined: dict[str, Any] = {
        "all": {**many, "description": "All of these."},
        "any": {**many, "description": "At least one of these."},
        "not": {"anyOf": [one, many], "description": "None of these; what is not known stays not known."},
        "for": {**_DURATION, "description": "It has held at least this long."},
    }
    properties = {name: {"$ref": f"#/$defs/{name}"} for name in WORDS} | joined
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _rule() -> dict[str, Any]:
    shapes: dict[str, Any] = {
        "name": {"type": "string"},
        "when": {"$ref": "#/$defs/condition"},
        "then": _effect(THEN_KEYS),
        "for": {**_DURATION, "description": "It has held at least this long."},
        "hold": {**_DURATION, "description": "Kept this long after it holds no more."},
        "dwell": {**_DURATION, "description": "Once it applies, it stays at least this long."},
    }
    rule = {key: shapes[key] for key in RULE_KEYS}
    pack = {
        "type": "object",
        "properties": {"pack": {"type": "string"}},
        "required": ["pack"],
        "additionalProperties": False,
    }
    return {
        "anyOf": [
            {"type": "object", "properties": rule, "required": ["then"], "additionalProperties": False},
            pack,
        ]
    }


def _test() -> dict[str, Any]:
    kinds = [name for name, word in WORDS.items() if word.fact]
    shapes: dict[str, Any] = {
        "name": {"type": "string"},
        "given": {
            "type": "object",
            "properties": {kind: _several(dict(_TEXT)) for kind in kinds},
            "additionalProperties": False,
        },
        "expect": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {key: {} for key in EXPECT_KEYS},
                        "additionalProperties": False,
                    },
                ]
            },
        },
        "person": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {key: {} for key in PERSON_KEYS},
                    "additionalProperties": False,
                },
            ]
        },
        "date": {"type": "string"},
        "timezone": {"type": "string"},
    }
    properties = {key: shapes[key] for key in CASE_KEYS}
    return {"type": "object", "properties": properties, "required": ["expect"], "additionalProperties": False}


def schema() -> dict[str, Any]:
    """The schema as rules/schema.json holds it."""
    shows = {"enum": [one for one in WORDS["calendar"].attributes["shows"].choices if one != "free"]}
    calendar = {
        "type": "object",
        "properties": {
            "counts": {"type": "boolean"},
            "shows_as": {"enum": list(WORDS["calendar"].attributes["shows"].choices)},
        },
        "additionalProperties": False,
    }
    shapes: dict[str, Any] = {
        "version": {"const": 1},
        "include": {
            **_several({"type": "string"}),
            "description": "Packs by name, files by path; below the rules here.",
        },
        "without": {**_several({"type": "string"}), "description": "Rules of packs that are left out."},
        "namespaces": {"type": "object", "additionalProperties": {"type": "string"}},
        "states": {"type": "object", "additionalProperties": _effect(STATE_KEYS)},
        "precedence": {"type": "array", "items": shows},
        "calendars": {"type": "object", "additionalProperties": calendar},
        "dwell": {
            **_DURATION,
            "description": "For every rule that does not say otherwise and is no manual choice.",
        },
        "otherwise": {"type": "string", "description": "The state when no rule says anything."},
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
        "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lamplighter rules",
        "type": "object",
        "properties": {key: shapes[key] for key in TOP_KEYS},
        "required": ["version"],
        "additionalProperties": False,
        "$defs": {
            **{name: _word(word) for name, word in WORDS.items()},
            "condition": _when(),
            "rule": _rule(),
            "test": _test(),
        },
    }
