"""A person signs in at Google and lets Lamplighter read. (Google has codes for some things, not for calendars.)"""

from connectors.base import Context, Link
from connectors.consent import NotNeeded, sign_in_command
from connectors.google.refusals import person_refused
from connectors.google.settings import GoogleSettings, SignIn
from connectors.google.tokens import application, client_secret
from connectors.oauth import PageConsent


class GoogleConsent(PageConsent):
    """A `connectors.consent.Consent`."""

    def __init__(self, link: Link, settings: GoogleSettings, context: Context) -> None:
        if settings.sign_in is not SignIn.PERSON:
            raise NotNeeded(
                "the administrator has consented for everybody (sign_in: organisation)",
                advice="Nobody needs to sign in; an account for the person is enough.",
            )
        again = sign_in_command(link)
        hint = settings.account or next(iter(link.addresses), None)
        super().__init__(
            application(settings.model_copy(update={"account": hint})),
            context,
            client_secret(link.secret),
            again,
            lambda answer: person_refused(answer, again),
        )
