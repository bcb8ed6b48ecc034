"""The part of the control interface that keeps the keys of secrets. Keys never come here, only their ids."""

from dataclasses import asdict
from typing import Any, Protocol

from fastapi import APIRouter, HTTPException

from agent.errors import UserError
from agent.vault.rotation import Rotated


class KeyKeeper(Protocol):
    """`agent.vault.rotation.Keys`."""

    def listing(self) -> list[dict[str, object]]:
        """Every key that is known or needed."""

    async def rotate(self) -> Rotated:
        """Raises UserError."""


def keys_router(keys: KeyKeeper) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/keys")
    async def listing() -> list[dict[str, object]]:
        return keys.listing()

    @router.post("/v1/keys/rotate")
    async def rotate() -> dict[str, Any]:
        """200 once everything is sealed with the new key, durably."""
        try:
            return asdict(await keys.rotate())
        except UserError as error:
            raise HTTPException(409, str(error)) from None

    return router
