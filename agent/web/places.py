"""The part of the control interface about where people are."""

from typing import Any, Protocol

from fastapi import APIRouter, HTTPException


class Places(Protocol):
    """`agent.known_places.KnownPlaces`."""

    def of(self, person: str) -> list[dict[str, Any]]:
        """Raises KeyError for nobody of ours."""

    def forget(self, person: str) -> int:
        """Likewise."""


def places_router(places: Places) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/people/{person}/places")
    async def show(person: str) -> list[dict[str, Any]]:
        """All that is kept; zones, never coordinates."""
        try:
            return places.of(person)
        except KeyError:
            raise HTTPException(404, f"nobody is called {person!r}") from None

    @router.delete("/v1/people/{person}/places")
    async def forget(person: str) -> dict[str, int]:
        try:
            return {"forgotten": places.forget(person)}
        except KeyError:
            raise HTTPException(404, f"nobody is called {person!r}") from None

    return router
