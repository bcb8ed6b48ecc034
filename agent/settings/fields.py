"""Building blocks of the settings model: sections that forbid unknown keys, sizes, addresses, passwords."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from agent.working_hours import parse_region, parse_spans
from connectors.settings import at_key

_UNITS = {"": 1, "B": 1, "KB": 1000, "KIB": 1024, "MB": 1000**2, "MIB": 1024**2}
_REFERENCE = re.compile(r"\$\{(\w+)\}")
MAX_SECRET_FILE = 65536


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the file's values are read against; pydantic hands it to the validators."""

    directory: Path = Path()
    "Relative paths start here: the folder of the settings file."
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_inline_secrets: bool = False
    secrets_directory: Path | None = None

    @classmethod
    def of(cls, info: ValidationInfo) -> "Surroundings":
        return info.context if isinstance(info.context, cls) else cls()


class Section(BaseModel):
    """Unknown keys are errors, since they are misspellings; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        """A section whose lines are all commented out."""
        return {} if value is None else value


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", value.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError("expected a size such as 65536, 64 KiB or 1 MiB")
    return int(found[1]) * _UNITS[found[2].upper()]


def _sip_uri(text: str) -> str:
    if not re.fullmatch(r"sips?:[^\s@<>\"]+@[^\s@<>\"/]+", text):
        raise ValueError("expected a SIP address such as sip:alice@example.org")
    return text


def _server_uri(text: str) -> str:
    if not re.fullmatch(r"sips?:[^\s<>\"/]+", text):
        raise ValueError("expected a SIP URI such as sip:presence.example.org;transport=tcp")
    return text


def _domain(text: str) -> str:
    if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", text):
        raise ValueError("expected a domain such as example.org")
    return text.lower()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected an IANA time zone such as Europe/Berlin") from None
    return name


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _working_time(text: str) -> str:
    parse_spans(text)
    return text


def _holiday_region(text: str) -> str:
    parse_region(text)
    return text


def _path(path: Path, info: ValidationInfo) -> Path:
    return Surroundings.of(info).directory / path.expanduser()


Size = Annotated[int, BeforeValidator(_size)]
"Bytes; written as a number or with a unit (64 KiB)."
SipAddress = Annotated[str, AfterValidator(_sip_uri)]
SipServer = Annotated[str, AfterValidator(_server_uri)]
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
WorkingTimes = Annotated[tuple[Annotated[str, AfterValidator(_working_time)], ...], BeforeValidator(_listed)]
"One text or several, such as `mon-fri 09:00-12:00 13:00-17:30`."
HolidayRegion = Annotated[str, AfterValidator(_holiday_region)]
FilePath = Annotated[Path, AfterValidator(_path)]
"Relative to the folder of the settings file."


class WithPassword(Section):
    """A section with at most one password, kept outside the file: in a file, a variable, a secret store."""

    password: SecretStr | None = Field(
        default=None,
        description="`${NAME}`: the password is in that environment variable. "
        "The password itself only with `allow_inline_secrets: true`.",
    )
    password_file: FilePath | None = Field(
        default=None,
        description="The first line of this file is the password; of a key file (PEM, JSON), all of it.",
    )
    secret: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+$",
        description="Name of a file in systemd's credentials directory or in `secrets_directory`.",
    )
    _revealed: SecretStr | None = PrivateAttr(None)

    @property
    def revealed(self) -> SecretStr | None:
        """The password, wherever it came from. None: none was given."""
        return self._revealed

    @model_validator(mode="after")
    def _find(self, info: ValidationInfo) -> Self:
        given = [key for key in ("password", "password_file", "secret") if getattr(self, key) is not None]
        if len(given) > 1:
            raise at_key(given[1], f"{given[0]} and {given[1]} are both given; keep one")
        around = Surroundings.of(info)
        if self.password is not None:
            self._revealed = _from_text(self.password.get_secret_value(), around)
        elif self.password_file is not None:
            self._revealed = _from_file(self.password_file, "password_file")
        elif self.secret is not None:
            self._revealed = _from_file(_secret_path(self.secret, around), "secret")
        return self


def _from_text(text: str, around: Surroundings) -> SecretStr:
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        if not around.allow_inline_secrets:
            raise at_key(
                "password",
                "a password in plain sight; use password_file, secret or ${VARIABLE}, "
                "or insist with allow_inline_secrets: true",
            )
        return SecretStr(text)
    if not (value := around.environ.get(reference[1])):
        raise at_key("password", f"the environment variable {reference[1]} is not set")
    return SecretStr(value)


def _secret_path(name: str, around: Surroundings) -> Path:
    folders = [around.environ.get("CREDENTIALS_DIRECTORY"), around.secrets_directory]
    candidates = [Path(folder) / name for folder in folders if folder]
    if not candidates:
        raise at_key("secret", "neither secrets_directory nor $CREDENTIALS_DIRECTORY says where secrets are")
    return next((path for path in candidates if path.is_file()), candidates[-1])


def _from_file(path: Path, key: str) -> SecretStr:
    try:
        with path.open(encoding="utf-8") as file:
            secret = secret_in(file.read(MAX_SECRET_FILE))
    except OSError as error:
        raise at_key(key, f"cannot read {path}: {(error.strerror or 'it failed').lower()}") from None
    except UnicodeDecodeError:
        raise at_key(key, f"{path} is not UTF-8 text") from None
    if not secret:
        raise at_key(key, f"the first line of {path} is empty")
    return SecretStr(secret)


def secret_in(text: str) -> str:
    """The secret that a file holds: its first line, or all of it when it is a key with its certificate (PEM) or a key
    file as clouds give them (JSON)."""
    whole = text.strip()
    if whole.startswith("-----BEGIN ") or (whole.startswith("{") and whole.endswith("}")):
        return whole
    return text.partition("\n")[0].rstrip("\r")
