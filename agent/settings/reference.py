"""The reference page and the commented sample, both made from the model."""

import json
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agent.settings.model import Settings

INTRODUCTION = """\
# Settings

One YAML file, by default `lamplighter.yaml` in the working directory; `--settings FILE` or the variable
`LAMPLIGHTER_SETTINGS` names another.

```sh
lamplighter init --domain example.org                     # writes one to start from
lamplighter config check --settings lamplighter.yaml      # names every mistake by line and column
lamplighter config show                                   # what is in effect, passwords hidden
```

Every setting can be overridden by a variable: `LAMPLIGHTER_HTTP__PORT=9000` sets `port` under `http`, and
`LAMPLIGHTER_DOMAINS='[example.org]'` a list. Durations are written `90s`, `5m`, `1h30m`, `2d`. Relative file
names start at the folder of the settings file. Passwords stay outside the file: `password_file`, `secret`, or
`password: ${NAME}`.

This page is made from the program by `docs/tools/settings_reference.py`.
"""

EXAMPLES = {
    "domains": "[example.org]",
    "rules": "rules.yaml",
    "people": """
  alice:
    sip: sip:alice@example.org
    name: Alice Example
    emails: [alice@example.org]
    groups: [sales]
    # links:
    #   - connector: office
    #     settings: {url: "https://calendar.example.org/", username: alice}
    #     password_file: alice.password""",
    "connectors": """
  office:
    connector: caldav
    interval: 60s""",
}
"What stands in the sample uncommented."


def reference_page() -> str:
    """docs/settings.md"""
    lines = [INTRODUCTION, "## Top level", "", *_table(Settings)]
    for title, model in _sections(Settings, ""):
        documentation = " ".join((model.__doc__ or "").split())
        lines += ["", f"## `{title}`", "", documentation, "", *_table(model)]
    return "\n".join(lines) + "\n"


def sample(domain: str = "example.org") -> str:
    """A settings file that works as it is and shows every setting with its default."""
    lines = ["# Lamplighter's settings. What is commented out is the default.", ""]
    for name, field in Settings.model_fields.items():
        lines += [f"# {line}" for line in _wrapped(field.description or "", 108)]
        if name in EXAMPLES:
            example = EXAMPLES[name]
            lines += [f"{name}:{example}" if example.startswith("\n") else f"{name}: {example}", ""]
            continue
        lines += [f"# {line}" for line in _commented(name, field, "")] + [""]
    # Examples in descriptions too: whoever reads them thinks of their own.
    return "\n".join(lines).replace("example.org", domain)


def _commented(name: str, field: FieldInfo, indent: str) -> Iterator[str]:
    model, default = _model(field.annotation), _default(field)
    if model is not None and default and isinstance(default, tuple):
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {_written(item)}" for item in default)
        return
    if model is None or _container(field.annotation):
        yield f"{indent}{name}: {_written(default)}".rstrip()
        return
    yield f"{indent}{name}:"
    for inner_name, inner in model.model_fields.items():
        yield from (f"{indent}  # {line}" for line in _wrapped(inner.description or "", 104 - len(indent)))
        yield from _commented(inner_name, inner, indent + "  ")


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        default = (
            "required" if field.is_required() else "see below" if inner else f"`{_written(_default(field))}`"
        )
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{name}` | {_kind(field.annotation)} | {default} | {meaning} |"


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        if inner is not None:
            title = prefix + name + {"dict": ".<name>", "tuple": "[]"}.get(_container(field.annotation), "")
            yield title, inner
            yield from _sections(inner, f"{title}.")


def _container(kind: Any) -> str:
    origin = get_origin(kind)
    return origin.__name__ if origin in (dict, tuple) else ""


def _model(kind: Any) -> type[BaseModel] | None:
    """The model that a field holds, directly or as the items of a list or mapping."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if _container(kind):
        return next((found for inner in get_args(kind) if (found := _model(inner))), None)
    return None


def _kind(kind: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(inner) for inner in arguments if inner is not type(None)))
    if origin is tuple:
        return "list" if _model(kind) else f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "section by name" if _model(kind) else "section"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "section"
    words = {str: "text", int: "number", float: "number", bool: "true or false", timedelta: "duration"}
    return {**words, Path: "file", SecretStr: "reference"}.get(kind, "network")


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _written(value: Any) -> str:
    """A default as one would write it in the file."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, BaseModel):
        return "{" + ", ".join(f"{key}: {_written(inner)}" for key, inner in value if inner is not None) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_written(inner) for inner in value) + "]"
    if isinstance(value, dict):
        return "{}"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
