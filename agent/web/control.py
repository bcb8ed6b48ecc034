"""The local control interface: what the service knows and why, for commands run on the same machine by the same user.

It listens on a socket file with mode 0600 and on nothing else; the file system is its authentication.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException, Query


class Insight(Protocol):
    """What the service lets itself be asked."""

    def board(self) -> list[dict[str, Any]]:
        """One entry a person: person, name, address, state, note, until, rule, since."""

    def explain(self, person: str, at: datetime | None) -> dict[str, Any]:
        """Why, with `text` for people. Raises KeyError for nobody of ours."""

    def links(self) -> list[dict[str, Any]]:
        """The health of every link."""

    def messages(self, most: int) -> list[dict[str, Any]]:
        """The last SIP messages, newest last, secrets taken out."""


def control(insight: Insight, reload: Callable[[], list[str]]) -> FastAPI:
    """``reload()`` reads the rules again and returns what was wrong with them."""
    app = FastAPI(title="Lamplighter control", docs_url=None, redoc_url=None)

    @app.get("/v1/board")
    async def board() -> list[dict[str, Any]]:
        return insight.board()

    @app.get("/v1/people/{person}/explain")
    async def explain(person: str, at: datetime | None = None) -> dict[str, Any]:
        if at is not None and at.tzinfo is None:
            raise HTTPException(422, "`at` needs a UTC offset, e.g. 2026-03-02T10:00:00+01:00")
        try:
            return insight.explain(person, at)
        except KeyError:
            raise HTTPException(404, f"nobody is called {person!r}") from None

    @app.get("/v1/links")
    async def links() -> list[dict[str, Any]]:
        return insight.links()

    @app.get("/v1/messages")
    async def messages(most: Annotated[int, Query(ge=1, le=200)] = 20) -> list[dict[str, Any]]:
        return insight.messages(most)

    @app.post("/v1/reload")
    async def reload_rules() -> dict[str, Any]:
        problems = reload()
        return {"reloaded": not problems, "problems": problems}

    return app
