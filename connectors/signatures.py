"""How a source signs what it sends, and how that is checked. Pure.

The schemes differ in spelling only, so one description covers them: which header has the signature, what stands
around it there, and what was signed.

    GitHub            header: X-Hub-Signature-256, value: "sha256={signature}"
    UniFi Access      header: Signature, value: "t={timestamp},v1={signature}", signed: "{timestamp}.{body}"
    Slack             header: X-Slack-Signature, value: "v0={signature}", signed: "v0:{timestamp}:{body}",
                      timestamp_header: X-Slack-Request-Timestamp
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.moments import since_1970
from connectors.settings import Duration

_PLACES = re.compile(r"\{(\w+)\}")


class BadSignature(ValueError):
    """Why a request is not believed; never holds the signature that was expected."""


class Signature(BaseModel):
    """A keyed hash (HMAC, RFC 2104) over the body, and what else the source signs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", description="The header with the signature."
    )
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = Field(
        default="sha256", description="The hash of the HMAC; `sha1` only for sources that know no other."
    )
    encoding: Literal["hex", "base64"] = Field(default="hex", description="How the signature is written.")
    value: str = Field(
        default="{signature}",
        description="What stands in the header: `{signature}`, with `{timestamp}` if it is there too, and the "
        "text around them, e.g. `t={timestamp},v1={signature}`.",
    )
    signed: str = Field(
        default="{body}",
        description="What is signed: `{body}`, with `{timestamp}` and the text between, e.g. `{timestamp}.{body}`.",
    )
    timestamp_header: str | None = Field(
        default=None, description="The header with the time stamp (seconds or milliseconds since 1970)."
    )
    tolerance: Duration = Field(
        default=timedelta(minutes=5),
        gt=timedelta(0),
        le=timedelta(days=1),
        description="How far a time stamp may be from now. Within it, the same request is taken once.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        value, signed = set(_PLACES.findall(self.value)), set(_PLACES.findall(self.signed))
        if "signature" not in value or value - {"signature", "timestamp"}:
            raise ValueError("`value` needs {signature}, and may have {timestamp}")
        if "body" not in signed or signed - {"body", "timestamp"}:
            raise ValueError("`signed` needs {body}, and may have {timestamp}")
        if "timestamp" in signed and "timestamp" not in value and self.timestamp_header is None:
            raise ValueError("where is the time stamp: in `timestamp_header`, or in `value`?")
        if "timestamp" not in signed and ("timestamp" in value or self.timestamp_header is not None):
            raise ValueError("a time stamp that is not `signed` proves nothing")
        return self

    @property
    def has_timestamp(self) -> bool:
        return "{timestamp}" in self.signed

    def check(self, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises BadSignature. ``headers``: names in lower case. ``body``: the bytes as they came."""
        shown = headers.get(self.header.lower())
        if shown is None:
            raise BadSignature(f"there is no {self.header} header")
        candidates = list(self._value_pattern().finditer(shown))
        if not candidates:
            raise BadSignature(f"the {self.header} header does not look like {self.value}")
        stamp = ""
        if self.has_timestamp:
            stamp = self._timestamp(headers, candidates[0])
            self._check_time(stamp, now)
        before, _, after = self.signed.replace("{timestamp}", stamp).partition("{body}")
        expected = hmac.new(secret.encode(), before.encode() + body + after.encode(), self.algorithm).digest()
        # All are compared, so that the time taken does not depend on which one fits.
        fits = [hmac.compare_digest(self._decoded(found["signature"]), expected) for found in candidates]
        if not any(fits):
            raise BadSignature("the signature does not fit: another secret, or a body that was changed")

    def _value_pattern(self) -> re.Pattern[str]:
        pattern = re.escape(self.value)
        pattern = pattern.replace(re.escape("{signature}"), r"(?P<signature>[A-Za-z0-9+/=_-]{16,200})")
        return re.compile(pattern.replace(re.escape("{timestamp}"), r"(?P<timestamp>\d{1,16})"))

    def _timestamp(self, headers: Mapping[str, str], found: re.Match[str]) -> str:
        if self.timestamp_header is None:
            return found["timestamp"]
        stamp = headers.get(self.timestamp_header.lower(), "").strip()
        if not re.fullmatch(r"\d{1,16}", stamp):
            raise BadSignature(f"there is no time stamp in the {self.timestamp_header} header")
        return stamp

    def _check_time(self, stamp: str, now: datetime) -> None:
        try:
            away = abs(now - since_1970(float(stamp)))
        except OverflowError:
            away = timedelta.max
        if away > self.tolerance:
            raise BadSignature("the time stamp is too far from now: an old request, or a wrong clock")

    def _decoded(self, text: str) -> bytes:
        try:
            if self.encoding == "hex":
                return bytes.fromhex(text)
            padded = text.replace("-", "+").replace("_", "/")
            return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
        except (ValueError, binascii.Error):
            return b""
