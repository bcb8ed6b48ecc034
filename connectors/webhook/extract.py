"""How values are taken out of documents: a JMESPath expression, then pattern, words, and what holds without. Pure."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connectors.errors import BadData
from connectors.moments import since_1970

LONGEST = 1000
"Characters of a value: a longer one is no name, state or time."


class Missing:
    """Nothing was found."""


MISSING = Missing()


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        told = str(error).partition("\n")[0].partition(", full expression")[0]
        reason = told.removeprefix("Invalid jmespath expression: ").rstrip(":").lower()
        raise ValueError(f"not a JMESPath expression: {reason}") from None
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Expression = Annotated[str, AfterValidator(_expression)]
"A JMESPath expression (https://jmespath.org)."
Pattern = Annotated[str, AfterValidator(_pattern)]


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def search(expression: str, document: Any) -> Any:
    """What the expression finds; None when nothing. Raises BadData when it can't be applied."""
    try:
        return _compiled(expression).search(document)
    except JMESPathError as error:
        raise BadData(f"`{expression}`: {str(error).partition(chr(10))[0]}") from None


def _written_short(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class Extract(BaseModel):
    """One value. Written as a text alone, it is the `path`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Expression = Field(description="JMESPath expression that finds it.")
    regex: Pattern | None = Field(
        default=None, description="Pattern that it has to fit; its first group, if it has one, is the value."
    )
    map: dict[str, Any] | None = Field(
        default=None,
        description="What the source's words mean, e.g. `{Start: true, Stop: false}`; case does not count.",
    )
    default: Any = Field(
        default=None, description="What holds when nothing is found, or no word of `map` fits."
    )

    def of(self, document: Any) -> Any:
        """The value, or MISSING."""
        found = search(self.path, document)
        if isinstance(found, list):
            found = found[0] if found else None
        if found is not None and self.regex is not None:
            matched = re.search(self.regex, _text(found))
            found = None if matched is None else matched[1] if matched.re.groups else matched[0]
        if found is not None and self.map is not None:
            word = _text(found).casefold()
            found = next((meant for said, meant in self.map.items() if str(said).casefold() == word), None)
        if found is None:
            found = self.default
        return MISSING if found is None else found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise BadData("an object or array stands where one value was expected")
    return str(value)[:LONGEST]


class Moment(Extract):
    """When it happened."""

    format: str | None = Field(
        default=None,
        description="`seconds`, `milliseconds`, `iso`, or a pattern such as `%b %d %Y %H:%M:%S %Z`. Without: numbers "
        "are seconds or milliseconds by their size, texts are ISO 8601.",
    )
    zone: str = Field(default="UTC", description="The time zone of times that have none.")

    def at(self, document: Any) -> datetime | None:
        """Aware UTC; None: the document does not say. Raises BadData."""
        found = self.of(document)
        return None if found is MISSING else moment(found, self.format, self.zone)


ShortExtract = Annotated[Extract, BeforeValidator(_written_short)]
ShortMoment = Annotated[Moment, BeforeValidator(_written_short)]


def moment(value: Any, form: str | None = None, zone: str = "UTC") -> datetime:
    """Aware UTC. Raises BadData."""
    try:
        if form in (None, "iso") and isinstance(value, str) and not re.fullmatch(r"\d+(\.\d+)?", value):
            found = datetime.fromisoformat(value.strip())
        elif form in (None, "seconds", "milliseconds", "iso"):
            milliseconds = None if form in (None, "iso") else form == "milliseconds"
            return since_1970(float(value), milliseconds=milliseconds)
        else:
            found = _by_pattern(str(value), form)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise BadData(f"the time is not written as {form or 'ISO 8601 or in seconds'}") from None


def _by_pattern(text: str, form: str) -> datetime:
    # `%Z` knows no zones but UTC and that of this machine: the zone of the settings stands for others.
    if form.endswith("%Z"):
        text, _, name = text.rpartition(" ")
        found = datetime.strptime(text, form.removesuffix("%Z").rstrip())  # noqa: DTZ007
        return found.replace(tzinfo=UTC) if name.upper() in ("UTC", "GMT", "Z") else found
    return datetime.strptime(text, form)  # noqa: DTZ007


def truth(value: Any) -> bool:
    """Of a filter: as JMESPath sees it, and texts that say so."""
    if isinstance(value, str):
        return value.casefold() not in ("", "false", "no", "off", "0")
    return value not in (None, False, 0) and value != [] and value != {}
