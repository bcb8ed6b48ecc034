"""Pydantic's findings in the words of somebody who edits a YAML file."""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from rules.yaml_marks import closest

_EXPECTED = {
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected a section with keys of its own",
    "model_type": "expected a section with keys of its own",
    "model_attributes_type": "expected a section with keys of its own",
    "path_type": "expected a file name",
    "string_pattern_mismatch": "has characters that are not allowed here",
    "time_delta_type": "expected a duration such as 90s, 5m, 4h or 1h30m",
    "ip_any_network": "expected a network or an address such as 10.0.0.0/24",
    "ip_v4_network": "expected a network or an address such as 10.0.0.0/24",
    "ip_v6_network": "expected a network or an address such as 10.0.0.0/24",
    "too_short": "must not be empty",
    "is_instance_of": "has the wrong kind of value",
}


def words_of(error: ErrorDetails, root: type[BaseModel]) -> tuple[str, str | None]:
    """What is wrong, and a hint. Never repeats a value that could be a secret."""
    kind, context = error["type"], error.get("ctx", {})
    name = str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        return f"unknown key `{name}`", _suggest(name, keys_at(root, error["loc"][:-1]))
    if kind == "missing":
        return f"`{name}` is missing", None
    if kind == "at_key":
        return str(context["message"]), None
    if kind == "value_error":
        return str(context["error"]), None
    if kind == "string_type":
        return "expected text", "put it in quotes" if isinstance(error["input"], int | float) else None
    if kind in ("literal_error", "enum"):
        return _one_of(error, context)
    for limit, said in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if limit in context:
            return f"must be {said} {context[limit]}", None
    return _EXPECTED.get(kind, error["msg"][:1].lower() + error["msg"][1:]), None


def _one_of(error: ErrorDetails, context: Mapping[str, Any]) -> tuple[str, str | None]:
    expected = str(context["expected"]).replace("'", "`")
    known = [word.strip("`") for word in expected.replace(" or ", ", ").split(", ")]
    guess = closest(error["input"], known) if isinstance(error["input"], str) else None
    return f"expected {expected}", f"did you mean `{guess}`?" if guess else None


def _suggest(name: str, known: list[str]) -> str | None:
    guess = closest(name, known)
    if guess:
        return f"did you mean `{guess}`?"
    return f"known here: {', '.join(known)}" if known else None


def keys_at(root: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``path`` knows; empty when it has none of its own."""
    kind: Any = root
    for step in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(step))
            kind = _plain(field.annotation) if field else None
        elif get_origin(kind) in (dict, tuple, list):
            arguments = get_args(kind)
            kind = _plain(arguments[1] if get_origin(kind) is dict else arguments[0])
        else:
            return []
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _plain(kind: Any) -> Any:
    """Without Annotated and without ``| None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, UnionType):
            kind = next(choice for choice in get_args(kind) if choice is not type(None))
        else:
            return kind
