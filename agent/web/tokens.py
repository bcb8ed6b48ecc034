"""The part of the control interface that keeps the tokens of sources outside."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from agent.store.errors import StoreUnavailable
from agent.web.ingress.tokens import IngressTokens, TokenProblem


class TokenWish(BaseModel):
    """For whom a token shall be."""

    entry: str
    person: str | None = None
    note: str = ""


def tokens_router(tokens: IngressTokens) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/tokens")
    async def listing() -> list[dict[str, Any]]:
        return tokens.listing()

    @router.post("/v1/tokens")
    async def create(wish: TokenWish) -> dict[str, Any]:
        """200 once it is durable; the only answer that ever has the token."""
        try:
            row, token = await tokens.create(wish.entry, wish.person, wish.note)
        except TokenProblem as error:
            raise HTTPException(422, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the token cannot be kept: {error}") from None
        return {"id": row.id, "entry": row.entry, "person": row.person, "token": token}

    @router.delete("/v1/tokens/{token_id}")
    async def revoke(token_id: str) -> dict[str, Any]:
        try:
            row = await tokens.revoke(token_id)
        except TokenProblem as error:
            raise HTTPException(404, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the token is dead until a restart, but stands yet: {error}") from None
        return {"id": row.id, "entry": row.entry, "person": row.person}

    return router
