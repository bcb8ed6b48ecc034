"""The settings file as a whole."""

from typing import Annotated

from pydantic import Field

from agent.settings.authorization import AuthorizationSettings
from agent.settings.composition import CompositionSettings
from agent.settings.fields import (
    Domain,
    FilePath,
    HolidayRegion,
    Section,
    SipAddress,
    SipServer,
    WorkingTimes,
    Zone,
)
from agent.settings.ingress import IngressSettings
from agent.settings.operation import HttpSettings, LogSettings, ShutdownSettings, StoreSettings
from agent.settings.people import ConnectorSettings, OutboundSettings, PersonSettings
from agent.settings.sip import (
    AuthenticationSettings,
    DialogSettings,
    LimitSettings,
    ListenerSettings,
    NotifySettings,
    PublisherSettings,
    TlsSettings,
)
from connectors.location.zones import Zone as MapZone
from connectors.privacy import Privacy

ZoneName = Annotated[str, Field(min_length=1, max_length=60)]


class Settings(Section):
    """Everything that `lamplighter.yaml` may say."""

    domains: tuple[Domain, ...] = Field(
        min_length=1, description="The SIP domains served; people's addresses are in one of them."
    )
    timezone: Zone = Field(default="UTC", description="The organisation's time zone (IANA name).")
    privacy: Privacy = Field(
        default=Privacy.BUSY,
        description="What may be taken over from calendars, unless a person says otherwise.",
    )
    working_hours: WorkingTimes = Field(
        default=(),
        description="When people work, e.g. `mon-fri 09:00-17:30`, unless a person says otherwise. Several spans "
        "a day and several lines are possible; without any, rules know of no working hours.",
    )
    holidays: HolidayRegion | None = Field(
        default=None,
        description="The country, with its region if you like (`DE-BY`), whose public holidays are days off.",
    )
    rules: FilePath | None = Field(default=None, description="The rules file, e.g. `rules.yaml`.")
    people: dict[str, PersonSettings] = Field(default_factory=dict, description="Whose lamps are lit.")
    connectors: dict[str, ConnectorSettings] = Field(
        default_factory=dict, description="The sources that links refer to."
    )
    zones: dict[ZoneName, MapZone] = Field(
        default_factory=dict,
        description="Named places for the connectors of location apps: `{center: [48.8584, 2.2945], radius: 120}` or "
        "`{polygon: [[…], […], […]]}`, with `tags` and `aliases`; without a shape: told by apps alone.",
    )
    outbound: OutboundSettings = Field(
        default=OutboundSettings(), description="Where connectors may connect to."
    )
    listeners: tuple[ListenerSettings, ...] = Field(
        default=(ListenerSettings(transport="udp"), ListenerSettings(transport="tcp")),
        description="The sockets that SIP arrives at; default: UDP and TCP at port 5060.",
    )
    tls: TlsSettings = Field(default=TlsSettings(), description="TLS connections that the service opens.")
    authentication: AuthenticationSettings = Field(
        default=AuthenticationSettings(), description="Who has to prove who they are."
    )
    authorization: AuthorizationSettings = Field(
        default=AuthorizationSettings(), description="Who may watch whom."
    )
    composition: CompositionSettings = Field(
        default=CompositionSettings(), description="Several publishers, one document."
    )
    publisher: PublisherSettings = Field(
        default=PublisherSettings(), description="Where presence is published to."
    )
    limits: LimitSettings = Field(default=LimitSettings(), description="What may be asked of the service.")
    notify: NotifySettings = Field(default=NotifySettings(), description="How fast watchers are told.")
    dialogs: DialogSettings = Field(default=DialogSettings(), description="What watchers see of real calls.")
    registrar: bool = Field(
        default=True,
        description="Take REGISTER: many softphones do nothing without, and rules see which device is there.",
    )
    agent_address: SipAddress | None = Field(
        default=None,
        description="SIP address that takes commands by MESSAGE (`lunch 45m`, `why?`, `help`); "
        "default: `sip:lamplighter@` and the first domain.",
    )
    message_relay: SipServer | None = Field(
        default=None,
        description="SIP URI of the proxy that MESSAGEs to others than `agent_address` are sent on to; "
        "default: they are refused with 404.",
    )
    store: StoreSettings = Field(default=StoreSettings(), description="What survives a restart.")
    shutdown: ShutdownSettings = Field(default=ShutdownSettings(), description="How the service ends.")
    log: LogSettings = Field(default=LogSettings(), description="The log.")
    http: HttpSettings = Field(default=HttpSettings(), description="Metrics and health.")
    ingress: IngressSettings = Field(
        default=IngressSettings(), description="Where phones, PBXs and webhooks hand in their requests."
    )
    secrets_directory: FilePath | None = Field(
        default=None,
        description="Folder of the files that `secret:` names; systemd's credentials are found without it.",
    )
    allow_inline_secrets: bool = Field(
        default=False,
        description="Allow passwords to stand in this file. Whoever reads or backs it up has them.",
    )
