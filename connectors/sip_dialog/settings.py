"""Settings of the SIP subscription."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from connectors.settings import Duration
from connectors.switch_settings import PhoneSettings

_ADDRESS = re.compile(r"(?i)(sips?:)?(?!sips?:)([^\s@/<>\"]+@)?[\w.\[\]:-]+(;[^\s<>\"]*)?")


def sip_address(text: str) -> str:
    """A SIP URI; ``1001@pbx.example.org`` is one without its scheme."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("expected a SIP address such as sip:1001@pbx.example.org")
    return text if found[1] else f"sip:{text}"


SipAddress = Annotated[str, AfterValidator(sip_address)]


class SipDialogSettings(PhoneSettings):
    """The link's secret is the password for ``user``."""

    address: SipAddress = Field(
        description="Whose calls: the extension at the PBX (`sip:1001@pbx.example.org`), or the phone itself."
    )
    server: SipAddress | None = Field(
        default=None,
        description="Where to subscribe (`sip:10.0.0.5:5060;transport=tcp`), when the address doesn't lead there.",
    )
    user: str | None = Field(
        default=None, description="User name that the PBX knows the watcher by; the secret is its password."
    )
    watcher: SipAddress | None = Field(
        default=None, description="Who watches (From). Left out: the user at the host of the address."
    )
    calls: bool = Field(default=True, description="Subscribe to calls (event package `dialog`).")
    registration: bool = Field(
        default=False,
        description="Subscribe to presence too, which tells whether the phone is registered: calls can't.",
    )
    expires: Duration = Field(
        default=timedelta(minutes=10),
        ge=timedelta(seconds=10),
        le=timedelta(days=1),
        description="How long to subscribe for at a time; well before its end the subscription is refreshed.",
    )
    confidence: float = Field(
        default=0.7,
        ge=0.0,
        le=1.0,
        description="How sure this source is, 0 to 1: where several speak of the same device, the surest counts.",
    )
    stale_after: Duration = Field(
        default=timedelta(minutes=15),
        gt=timedelta(0),
        description="A PBX that has been silent for this long makes what it said unknown; longer than `expires`.",
    )
    one_dialog_each: bool | None = Field(
        default=None,
        description="The server tells each call in a document that calls itself complete. Left out: if FreeSWITCH.",
    )

    @model_validator(mode="after")
    def _is_of_use(self) -> Self:
        if not (self.calls or self.registration):
            raise ValueError("neither calls nor registration is wanted")
        if self.stale_after <= self.expires:
            raise ValueError(
                "stale_after must be longer than expires, or everything is unknown between refreshes"
            )
        return self
