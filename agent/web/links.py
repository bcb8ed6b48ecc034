"""The part of the control interface that links accounts. A secret comes in with a new link and never goes out."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, SecretStr

from agent.linked_accounts import LinkedAccount
from agent.linking import Linked, Linking, LinkProblem
from agent.store.errors import StoreUnavailable


class Wish(BaseModel):
    """An account to be linked."""

    person: str
    source: str
    name: str | None = None
    settings: dict[str, Any] = {}
    secret: SecretStr | None = None
    check: bool = True
    consented: dict[str, SecretStr] = {}
    "What the person's sign-in at the source gave."


class People(BaseModel):
    """Whose links; nobody named means everybody's."""

    people: Sequence[str] = ()


def links_router(linking: Linking) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/links")
    async def link(wish: Wish) -> dict[str, Any]:
        """200 once it is durable and in force, or with `kept: false` when it was tried and does not work."""
        secret = None if wish.secret is None else wish.secret.get_secret_value()
        account = LinkedAccount(wish.person, wish.source, wish.name, wish.settings, secret)
        try:
            consented = {name: value.get_secret_value() for name, value in wish.consented.items()}
            return linked_json(
                await linking.link(account, by="command", check=wish.check, consented=consented)
            )
        except LinkProblem as error:
            raise HTTPException(422, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the link cannot be kept: {error}") from None

    @router.delete("/v1/links/{person}")
    async def unlink(person: str, source: str | None = None, name: str | None = None) -> dict[str, Any]:
        try:
            return {"unlinked": await linking.unlink(person, source, name)}
        except LinkProblem as error:
            raise HTTPException(404, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the link cannot be removed: {error}") from None

    @router.post("/v1/links/check")
    async def check(whose: People) -> list[dict[str, Any]]:
        try:
            return [report.to_json() for report in await linking.check(whose.people)]
        except LinkProblem as error:
            raise HTTPException(404, str(error)) from None

    return router


def linked_json(linked: Linked) -> dict[str, Any]:
    """As commands print it and the control interface answers."""
    report = None if linked.report is None else linked.report.to_json()
    return {"link": linked.link, "kept": linked.kept, "report": report}
