"""What a receiver of HTTP requests takes. The ingress keeps away what is outside of it. Pure."""

from dataclasses import dataclass

from connectors.signatures import Signature


@dataclass(frozen=True, slots=True)
class Reception:
    """A hub or connector with ``receive`` has one as its attribute ``reception``; without it, this default holds."""

    methods: tuple[str, ...] = ("POST",)
    "Others are answered with 405."
    media_types: tuple[str, ...] = ()
    "Of the body, without parameters; `application/*+json` is possible. Others get 415. Empty: any."
    signature: Signature | None = None
    "Requests have to be signed with the secret of the entry, whatever else they show."
    secret_opens: bool = False
    """The secret of the entry or link counts as a token too: as bearer, as Basic password, as query parameter. Not
    where it is for something else: an account of ours at the source."""
    checks_itself: bool = False
    """Requests come in without a token: the receiver knows its own callers (a client state, a code) and answers 401
    to others. Limits hold all the same."""
    max_body: int | None = None
    "Bytes, when less than the ingress allows."
