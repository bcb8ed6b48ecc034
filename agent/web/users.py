"""The part of the control interface that keeps user accounts. Passwords never come here, only what is made of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from agent.store.errors import StoreUnavailable

Must = Literal["be new", "exist", "be named"]


class UserAccounts(Protocol):
    """`agent.accounts.Accounts`."""

    def listing(self) -> list[dict[str, Any]]:
        """Everybody."""

    async def put(self, users: Mapping[str, Mapping[str, str]], must: Must) -> None:
        """Raises ValueError for what can't be taken, StoreUnavailable when it can't be kept."""

    async def remove(self, usernames: Iterable[str]) -> None:
        """Likewise."""


class Hashes(BaseModel):
    """User name -> hash name -> H(username:realm:password)."""

    users: dict[str, dict[str, str]]
    must: Must = "be named"


def users_router(accounts: UserAccounts) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/users")
    async def listing() -> list[dict[str, Any]]:
        return accounts.listing()

    @router.post("/v1/users")
    async def put(wish: Hashes) -> dict[str, Any]:
        """200 once they are durable; they hold at once."""
        try:
            await accounts.put(wish.users, wish.must)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the users cannot be kept: {error}") from None
        return {"users": len(wish.users)}

    @router.delete("/v1/users/{username}")
    async def remove(username: str) -> dict[str, Any]:
        try:
            await accounts.remove([username])
        except ValueError as error:
            raise HTTPException(404, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the user cannot be removed: {error}") from None
        return {"users": 1}

    return router
