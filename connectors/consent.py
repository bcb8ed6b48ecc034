"""How a person lets a connector read an account: by a code that is entered elsewhere, or by a page that leads back.

A connector that needs it names a class in its manifest (``consent``), made as ``Consent(link, settings, context)``;
raises `NotNeeded` where nobody has to sign in. What it gives is kept, encrypted, as the link's `Context.secrets`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from connectors.base import Link
from connectors.errors import Misconfigured


class NotNeeded(Misconfigured):
    """Nobody has to sign in: an administrator consented for everybody."""


class NoCodes(Misconfigured):
    """The provider has no codes for this: it has to be the page."""


@dataclass(frozen=True, slots=True)
class CodePrompt:
    """What the person is shown: open ``address`` anywhere, and enter ``code``."""

    address: str
    code: str
    seconds: float
    "How long the code is good for."


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A visit to the provider's page, from which the browser comes back to the redirect address: by GET with a query,
    or by POST with a form, as the provider likes."""

    address: str
    "To be opened by the person."
    state: str
    "Comes back as the parameter of that name: tells whose visit it was."
    kept: str = field(repr=False)
    "What ``finish`` needs; secret, and useless after it."


@dataclass(frozen=True, slots=True)
class Consented:
    """The person agreed."""

    secrets: Mapping[str, str] = field(repr=False)
    "For `Context.secrets`."
    account: str
    "Who signed in, as the provider calls them; empty when it does not say."


class Consent(Protocol):
    """One attempt. All raise `connectors.errors.ConnectorError` in words for the person."""

    async def by_code(self, show: Callable[[CodePrompt], None]) -> Consented:
        """Shows a code and waits until the person has entered it. Raises `NoCodes` where there is none."""
        ...

    async def begin(self, redirect_uri: str) -> PageVisit:
        """Authorization code with PKCE (RFC 7636): the address to open."""
        ...

    async def finish(self, visit: PageVisit, parameters: Mapping[str, str]) -> Consented:
        """``parameters``: query or form of what came back for ``visit``."""
        ...

    async def close(self) -> None:
        """The attempt is over."""
        ...


def sign_in_command(link: Link) -> str:
    """By which the person of a link signs in, or signs in again."""
    return f"lamplighter link {link.person} {link.entry.key or link.connector}"
