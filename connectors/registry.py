"""Which connectors there are: those in this folder, and those of other packages by entry point.

A package joins by an entry point of the group ``lamplighter.connectors`` whose name is the connector's name
and whose value is the package that holds its ``manifest.yaml``. Nothing of a connector is imported before it
is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from connectors.base import Context, Entry, Hub, Link, PollConnector, PushConnector
from connectors.consent import Consent
from connectors.errors import Misconfigured
from connectors.facts import FactKind
from connectors.settings import LinkSettings

ENTRY_POINTS = "lamplighter.connectors"
BUILT_IN = (
    "asterisk",
    "caldav",
    "computer",
    "example",
    "exchange",
    "freeswitch",
    "google",
    "gpslogger",
    "home_assistant",
    "ics_feed",
    "microsoft",
    "overland",
    "owntracks",
    "phone",
    "ringcentral",
    "sip_dialog",
    "three_cx",
    "traccar",
    "webhook",
    "yeastar",
)


class Manifest(BaseModel):
    """A connector's ``manifest.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="How links name it.")
    title: str = Field(min_length=1, max_length=60, description="For people.")
    summary: str = Field(min_length=1, max_length=200, description="One sentence: what it brings.")
    kind: Literal["poll", "push"]
    reach: Literal["local", "cloud", "both"] = Field(description="Where its sources stand.")
    facts: tuple[FactKind, ...] = Field(min_length=1, description="The kinds of fact it emits.")
    secret: str | None = Field(None, description="What the secret is, in the form's words; none: no secret.")
    secret_setting: str | None = Field(
        None,
        description="A setting that may be a secret itself: a link that has no other secret keeps it as such.",
    )
    also: tuple[str, ...] = Field((), description="Other words for it in commands.")
    connector: str = Field(pattern=r"^[\w.]+:\w+$", description="Class, as module:name.")
    settings: str = Field(pattern=r"^[\w.]+:\w+$", description="Settings model, as module:name.")
    hub: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="Class of what all links of an entry share, as module:name.",
    )
    hub_settings: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="Settings model of the hub, which that of the links extends. Needed with `hub`.",
    )

    consent: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="Class by which a person signs in at the source, as module:name.",
    )

    @model_validator(mode="after")
    def _hub_has_settings(self) -> Self:
        if (self.hub is None) is not (self.hub_settings is None):
            raise ValueError("hub and hub_settings go together")
        return self


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """A connector as known from its manifest; its code is imported by ``settings_model`` and ``create``."""

    manifest: Manifest
    package: str

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def settings_model(self) -> type[LinkSettings]:
        return _model(self.manifest.settings)

    @property
    def hub_settings_model(self) -> type[LinkSettings] | None:
        """None: it has no hub."""
        return None if self.manifest.hub_settings is None else _model(self.manifest.hub_settings)

    def read_settings(self, link: Link) -> LinkSettings:
        """Validate a link's settings. Raises `Misconfigured` that names every problem."""
        return _validated(self.settings_model, link.settings, f"settings of link {link.id}")

    def read_hub_settings(self, entry: Entry) -> LinkSettings:
        """Validate what an entry says to its hub; what it says to its links only (`extension: "{sip.user}"`) is none of
        the hub's business. Raises `Misconfigured` that names every problem."""
        assert self.hub_settings_model is not None
        for_links = self.settings_model.model_fields.keys() - self.hub_settings_model.model_fields.keys()
        given = {key: value for key, value in entry.settings.items() if key not in for_links}
        return _validated(self.hub_settings_model, given, f"settings of connector {entry.key}")

    def create(self, link: Link, settings: LinkSettings, context: Context) -> PollConnector | PushConnector:
        made: PollConnector | PushConnector = _named(self.manifest.connector)(link, settings, context)
        return made

    def create_consent(self, link: Link, settings: LinkSettings, context: Context) -> Consent:
        """One attempt of a person to sign in. Raises `Misconfigured` where nobody has to."""
        if self.manifest.consent is None:
            raise Misconfigured(
                f"nobody signs in for a connector “{self.name}”", advice="It needs a password at most."
            )
        made: Consent = _named(self.manifest.consent)(link, settings, context)
        return made

    def create_hub(self, entry: Entry, settings: LinkSettings, context: Context) -> Hub:
        assert self.manifest.hub is not None
        made: Hub = _named(self.manifest.hub)(entry, settings, context)
        return made


def _model(reference: str) -> type[LinkSettings]:
    model = _named(reference)
    if not (isinstance(model, type) and issubclass(model, LinkSettings)):
        raise Misconfigured(f"{reference} is not a LinkSettings model")
    return model


def _validated(model: type[LinkSettings], given: Mapping[str, Any], whose: str) -> LinkSettings:
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        wrong = "; ".join(_problem(entry) for entry in error.errors(include_input=False, include_url=False))
        raise Misconfigured(f"{whose}: {wrong}") from None


def _problem(entry: Any) -> str:
    where = ".".join(str(part) for part in entry["loc"]) or "settings"
    return f"{where}: {entry['msg'].removeprefix('Value error, ')}"


def _named(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def names() -> tuple[str, ...]:
    """Every connector that can be loaded, sorted."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))}))


def find(word: str) -> str | None:
    """The connector that a word means: its name, or another word for it."""
    return next((name for name in names() if word == name or word in load(name).manifest.also), None)


@cache
def load(name: str) -> ConnectorType:
    """The connector of that name. Raises `Misconfigured` when there is none or its manifest is wrong."""
    if name in BUILT_IN:
        return read_manifest(name, f"connectors.{name}")
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return read_manifest(name, point.value)
    raise Misconfigured(f"there is no connector “{name}”", advice=f"There are: {', '.join(names())}.")


def read_manifest(name: str, package: str) -> ConnectorType:
    """Read and check a package's ``manifest.yaml``."""
    try:
        text = (files(package) / "manifest.yaml").read_text(encoding="utf-8")
        manifest = Manifest.model_validate(yaml.safe_load(text))
    except (OSError, ImportError) as error:
        raise Misconfigured(
            f"connector “{name}” cannot be loaded ({error})", advice="Reinstall it."
        ) from None
    except yaml.YAMLError as error:
        raise Misconfigured(f"the manifest of connector “{name}” is not YAML ({error})") from None
    except ValidationError as error:
        wrong = "; ".join(_problem(entry) for entry in error.errors(include_input=False, include_url=False))
        raise Misconfigured(f"the manifest of connector “{name}”: {wrong}") from None
    if manifest.name != name:
        raise Misconfigured(f"connector “{name}” calls itself “{manifest.name}” in its manifest")
    return ConnectorType(manifest, package)
