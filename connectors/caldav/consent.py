"""Signing in to a CalDAV account by the provider's page, where the settings name one."""

from connectors.base import Context, Link
from connectors.caldav.settings import CalDavSettings
from connectors.consent import NotNeeded, sign_in_command
from connectors.oauth import PageConsent


class CalDavConsent(PageConsent):
    """A `connectors.consent.Consent`."""

    def __init__(self, link: Link, settings: CalDavSettings, context: Context) -> None:
        if settings.oauth is None or settings.oauth.authorize_url is None:
            raise NotNeeded("there is no page to sign in at", advice="Give `oauth` with an `authorize_url`.")
        super().__init__(settings.oauth, context, link.entry.secret, sign_in_command(link))
