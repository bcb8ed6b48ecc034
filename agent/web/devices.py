"""The part of the control interface that enrolls computers."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from agent.web.ingress.enrollment import Enrollment
from agent.web.ingress.tokens import TokenProblem


class Enrolling(BaseModel):
    """Whose computer, and by which entry it will report."""

    entry: str
    person: str


def devices_router(enrollment: Enrollment) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/devices/code")
    async def code(wish: Enrolling) -> dict[str, Any]:
        """A code that is good once."""
        try:
            return enrollment.begin(wish.entry, wish.person)
        except TokenProblem as error:
            raise HTTPException(422, str(error)) from None

    return router
