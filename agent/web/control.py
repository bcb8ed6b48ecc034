"""The local control interface: what the service knows and why, for commands run on the same machine by the same user.

It listens on a socket file with mode 0600 and on nothing else; the file system is its authentication.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel

from agent.linking import Linking
from agent.store.errors import StoreUnavailable
from agent.web.devices import devices_router
from agent.web.ingress.enrollment import Enrollment
from agent.web.ingress.tokens import IngressTokens
from agent.web.keys import KeyKeeper, keys_router
from agent.web.links import links_router
from agent.web.places import Places, places_router
from agent.web.tokens import tokens_router
from agent.web.users import UserAccounts, users_router
from connectors.facts import ManualValue
from rules import Person


class Insight(Protocol):
    """What the service lets itself be asked."""

    def board(self) -> list[dict[str, Any]]:
        """One entry a person: person, name, address, state, note, until, rule, since."""

    def explain(self, person: str, at: datetime | None) -> dict[str, Any]:
        """Why, with `text` for people. Raises KeyError for nobody of ours."""

    def person(self, person: str) -> Person:
        """Raises KeyError for nobody of ours."""

    def shown(self, person: str) -> dict[str, Any]:
        """What is shown of somebody by what is known at this moment, and until when, in their own time."""

    def links(self) -> list[dict[str, Any]]:
        """The health of every link."""

    def messages(self, most: int) -> list[dict[str, Any]]:
        """The last SIP messages, newest last, secrets taken out."""


class Choosing(Protocol):
    """`agent.choices.Choices`."""

    async def choose(self, person: Person, text: str, by: str) -> ManualValue:
        """Raises ValueError for what can't be taken, StoreUnavailable when it can't be kept."""


class Outcome(Protocol):
    """`agent.reload.Reloaded`."""

    @property
    def problems(self) -> tuple[str, ...]: ...

    @property
    def restart(self) -> tuple[str, ...]: ...


class Wish(BaseModel):
    """What somebody wants to be shown as, as they type it: ``lunch 45m``, ``auto``."""

    text: str


def control(
    insight: Insight,
    reload: Callable[[], Awaitable[Outcome]],
    choices: Choosing,
    accounts: UserAccounts,
    keys: KeyKeeper,
    linking: Linking,
    tokens: IngressTokens,
    enrollment: Enrollment,
    places: Places,
) -> FastAPI:
    """``reload()`` reads settings and rules again."""
    app = FastAPI(title="Lamplighter control", docs_url=None, redoc_url=None)
    app.include_router(users_router(accounts))
    app.include_router(keys_router(keys))
    app.include_router(links_router(linking))
    app.include_router(tokens_router(tokens))
    app.include_router(devices_router(enrollment))
    app.include_router(places_router(places))

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
        return linking.listing(insight.links())

    @app.get("/v1/messages")
    async def messages(most: Annotated[int, Query(ge=1, le=200)] = 20) -> list[dict[str, Any]]:
        return insight.messages(most)

    @app.post("/v1/people/{person}/choice")
    async def choose(person: str, wish: Wish) -> dict[str, Any]:
        """200 once the choice is durable: what is shown now."""
        try:
            whom = insight.person(person)
        except KeyError:
            raise HTTPException(404, f"nobody is called {person!r}") from None
        try:
            chosen = await choices.choose(whom, wish.text, "control")
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        except StoreUnavailable as error:
            raise HTTPException(503, f"the choice cannot be kept: {error}") from None
        return {"chosen": chosen.state, "until_return": chosen.until_return, **insight.shown(person)}

    @app.post("/v1/reload")
    async def reload_all() -> dict[str, Any]:
        outcome = await reload()
        return {
            "reloaded": not outcome.problems,
            "problems": list(outcome.problems),
            "restart": list(outcome.restart),
        }

    return app
