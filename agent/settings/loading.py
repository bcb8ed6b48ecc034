"""Reads the settings file. Whatever is wrong is told at once, each with file, line and column."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.errors import UserError
from agent.settings.checks import cross_checks
from agent.settings.environment import apply_environment
from agent.settings.fields import Surroundings
from agent.settings.model import Settings
from agent.settings.wording import words_of
from rules.yaml_marks import MarkedYaml, Problem, read_yaml


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """``settings`` is None exactly when there are ``problems``."""

    settings: Settings | None
    problems: tuple[Problem, ...] = field(default=())


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings, or `UserError` that names every problem."""
    loaded = read_settings(path, environ)
    if loaded.settings is None:
        count = len(loaded.problems)
        raise UserError(f"{path}: {count} problem{'s' if count > 1 else ''} in the settings", loaded.problems)
    return loaded.settings


def read_settings(path: Path, environ: Mapping[str, str]) -> LoadedSettings:
    """Read, override, validate, cross-check. A file that cannot be read is a `UserError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return LoadedSettings(None, (Problem(str(path), 1, 1, "not UTF-8 text"),))
    except OSError as error:
        raise UserError(
            f"cannot read the settings file {path}: {(error.strerror or 'it failed').lower()}",
            ["`lamplighter init` writes one; --settings FILE or $LAMPLIGHTER_SETTINGS names another place"],
        ) from None
    marked = read_yaml(text, str(path))
    if marked.data is None and marked.problems:
        return LoadedSettings(None, tuple(marked.problems))
    if not isinstance(marked.data, dict | None):
        return LoadedSettings(None, (marked.problem((), "expected keys such as `domains:` and `people:`"),))
    origins = apply_environment(marked, environ)
    # A section whose lines are all commented out is as good as absent. The store is always there, because its
    # default file stands beside this one.
    data = {"store": {}} | {key: value for key, value in (marked.data or {}).items() if value is not None}
    around = Surroundings(
        path.parent, environ, data.get("allow_inline_secrets") in (True, "true"), _folder(path, data)
    )
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(data, context=around)
    except ValidationError as error:
        marked.problems.extend(located(error, Settings, marked, (), origins))
    marked.problems.extend(cross_checks(data, settings, marked, path.parent))
    if marked.problems:
        return LoadedSettings(None, tuple(sorted(set(marked.problems), key=_place)))
    return LoadedSettings(settings)


def located(
    error: ValidationError,
    model: type[BaseModel],
    marked: MarkedYaml,
    base: tuple[str | int, ...],
    origins: Mapping[tuple[str | int, ...], str] | None = None,
) -> list[Problem]:
    """Pydantic's findings about the section at ``base``, each at its place in the file."""
    problems = []
    for detail in error.errors(include_url=False):
        message, hint = words_of(detail, model)
        path = base + tuple(step for step in detail["loc"] if not _is_branch(step))
        if detail["type"] == "at_key":
            path += (detail["ctx"]["key"],)
        if variable := (origins or {}).get(path):
            problems.append(Problem(f"environment {variable}", 1, 1, message, hint))
        else:
            of_key = detail["type"] == "extra_forbidden"
            if path and not of_key and detail["type"] not in ("missing", "at_key"):
                message = f"`{path[-1]}`: {message}" if isinstance(path[-1], str) else message
            problems.append(marked.problem(path, message, hint, of_key=of_key))
    return problems


def _is_branch(step: str | int) -> bool:
    """Pydantic names the branch of a union as a step of its own."""
    return isinstance(step, str) and (step.startswith(("literal[", "function-")) or step in _BRANCHES)


_BRANCHES = frozenset({"ipv4network", "ipv6network"})


def _folder(path: Path, data: Mapping[str, Any]) -> Path | None:
    named = data.get("secrets_directory")
    return path.parent / Path(named).expanduser() if isinstance(named, str) else None


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return (problem.file, problem.line, problem.column, problem.message)
