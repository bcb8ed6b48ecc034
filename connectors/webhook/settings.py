"""Settings of the webhook connector. Field descriptions become the reference page."""

from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import Field, ValidationInfo, field_validator, model_validator

from connectors.facts import ActivityState, CallState, ReachState
from connectors.settings import Duration, LinkSettings, at_key
from connectors.signatures import Signature
from connectors.webhook.extract import Expression, Extract, ShortExtract, ShortMoment

Kind = Literal["place", "call", "activity", "reach"]

VALUES: dict[str, dict[str, frozenset[str] | None]] = {
    "place": {"zone": None, "present": None},
    "call": {
        "state": frozenset(CallState),
        "direction": frozenset({"in", "out"}),
        "remote": None,
        "device": None,
    },
    "activity": {"state": frozenset(ActivityState), "device": None, "last_input": None},
    "reach": {"state": frozenset(ReachState), "device": None},
}
"Kind -> the values that it has -> the words that are possible (None: any)."
NEEDED = {"place": "zone", "call": "state", "activity": "state", "reach": "state"}


class WebhookSettings(LinkSettings):
    """How requests become facts. Paths are JMESPath expressions over the document (or each part that `each` finds);
    for CloudEvents over the event: its attributes, and `data`."""

    TAKES_ZONE_TAGS: ClassVar[bool] = True
    "The tags of the organisation's `zones` are handed to it."

    preset: str | None = Field(
        default=None, description="A ready-made mapping, e.g. `radius`; what is written here goes before it."
    )
    subjects: tuple[str, ...] = Field(
        default=(),
        description='What the source calls the person, e.g. `["{email}", a4:83:e7:00:11:22]`. '
        "Default: the person's key and e-mail addresses.",
    )
    methods: tuple[Literal["POST", "PUT", "GET"], ...] = Field(
        default=("POST",), min_length=1, description="Of a GET the query parameters are the document."
    )
    signature: Signature | None = Field(
        default=None,
        description="The source signs with the entry's secret (HMAC): `header`, `algorithm`, `encoding`, `value`, "
        "`signed`, `timestamp_header`, `tolerance`. Without: the secret itself, or a token, is shown.",
    )
    each: Expression = Field(
        default="@", description="Finds the parts of a document that are news of their own."
    )
    when: Expression | None = Field(default=None, description="Only parts for which this is true are news.")
    subject: ShortExtract | None = Field(
        default=None,
        description="Whom a part is about. Default: the person of the token; the `subject` of a CloudEvent.",
    )
    kind: Kind | None = Field(
        default=None, description="What is told: `place`, `call`, `activity` or `reach`."
    )
    values: dict[str, ShortExtract] = Field(
        default_factory=dict,
        description="place: `zone`, `present`; call: `state`, `direction`, `remote`, `device`; activity: `state`, "
        "`device`, `last_input`; reach: `state`, `device`. Each is a path, or `path`, `regex`, `map`, `default`.",
    )
    zones: dict[str, str] = Field(
        default_factory=dict,
        description="Which zone is meant by what the source calls a place, e.g. `{ap-hq-*: office}`; others are "
        "in none of the named zones. Without: its own names.",
    )
    zone_tags: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="place: tags for rules by zone, e.g. `{office: [office]}`. Those of the organisation's `zones` are "
        "known anyway.",
    )
    time: ShortMoment | None = Field(
        default=None,
        description="When it happened: a path, or `path`, `format`, `zone`. Default: the `time` of a CloudEvent; now.",
    )
    ttl: Duration | None = Field(
        default=None, description="After this long without news it is unknown. Default: `stale_after`."
    )
    session: ShortExtract | None = Field(
        default=None,
        description="place: what tells several stays apart; each ends for itself. Default: the zone.",
    )
    group: ShortExtract | None = Field(
        default=None, description="place: whose restart ends stays, e.g. the access point."
    )
    restarted: Expression | None = Field(
        default=None, description="place: true when the `group` was restarted, and its stays with it."
    )
    id: Expression | None = Field(
        default=None,
        description="What is said twice with the same id is taken once. Default: `source` and `id` of a CloudEvent.",
    )
    reply: int = Field(default=204, ge=200, le=299, description="Status of the answer to what is taken.")

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        name = given.get("preset") if isinstance(given, dict) else None
        if not isinstance(name, str):
            return given
        made = presets().get(name)
        if made is None:
            known = ", ".join(sorted(presets()))
            raise at_key("preset", f"there is no preset `{name}`; there are: {known}")
        values = {**made.get("values", {}), **(given.get("values") or {})}
        return {**made, **given, "values": values}

    @field_validator("values")
    @classmethod
    def _known_values(cls, values: dict[str, Extract], info: ValidationInfo) -> dict[str, Extract]:
        kind = info.data.get("kind")
        if kind is None:
            return values
        known = VALUES[kind]
        for name, extract in values.items():
            if name not in known:
                raise at_key(name, f"`{name}` is no value of a {kind}; it has: {', '.join(known)}")
            _check_words(name, extract, known[name])
        return values

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is None:
            raise at_key("kind", "what is told? `kind: place`, `call`, `activity` or `reach`, or a `preset`")
        if NEEDED[self.kind] not in self.values:
            raise at_key("values", f"a {self.kind} needs `{NEEDED[self.kind]}`")
        if self.kind != "place":
            for name in ("zones", "session", "group", "restarted"):
                if getattr(self, name):
                    raise at_key(name, f"`{name}` is for `kind: place`")
        if self.restarted is not None and self.group is None:
            raise at_key("restarted", "`restarted` needs a `group`")
        return self


def _check_words(name: str, extract: Extract, possible: frozenset[str] | None) -> None:
    if possible is None:
        return
    given = [*(extract.map or {}).values(), *([] if extract.default is None else [extract.default])]
    wrong = [str(word) for word in given if word is not None and word not in possible]
    if wrong:
        raise at_key(name, f"`{name}`: `{wrong[0]}` is none of {', '.join(sorted(possible))}")


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The ready-made mappings, by name."""
    folder = files("connectors.webhook") / "presets"
    return {
        entry.name.removesuffix(".yaml"): yaml.safe_load(entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
