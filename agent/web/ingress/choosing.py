"""The HTTP API by which people, and what they use, choose what they are shown as."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.store.errors import StoreUnavailable
from agent.web.ingress.destinations import Destination
from connectors.errors import BadData, Unreachable
from connectors.ingress import Received, Reply
from connectors.reception import Reception

PART = "choose"
"Choices are taken at ``/in/choose``, with a token that speaks for a person."


class Choosing:
    """``choose(person, text)`` raises ValueError for what it does not understand, and gives nothing;
    ``shown(person)`` says what is shown then."""

    def __init__(
        self, choose: Callable[[str, str], Awaitable[object]], shown: Callable[[str], Mapping[str, Any]]
    ) -> None:
        self._choose, self._shown = choose, shown

    def destination(self) -> Destination:
        """What the ingress hands requests to `PART` to."""
        return Destination(PART, Reception(methods=("GET", "POST"), max_body=4096), None, self.receive)

    async def receive(self, request: Received) -> Reply:
        """``GET``: what is shown. ``POST`` of ``{"text": "lunch 45m"}``, of plain text, or with ``?text=``: choose."""
        if request.person is None:
            raise BadData("the token speaks for nobody: make one for a person")
        if request.method == "POST":
            text = _text(request)
            try:
                await self._choose(request.person, text)
            except ValueError as error:
                raise BadData(str(error)) from None
            except StoreUnavailable as error:
                raise Unreachable(f"the choice cannot be kept ({error}); nothing has changed") from None
        return Reply(200, json.dumps(self._shown(request.person), ensure_ascii=False).encode())


def _text(request: Received) -> str:
    text: object = request.parameter("text")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        try:
            text = json.loads(request.body)["text"]
        except (ValueError, KeyError, TypeError):
            raise BadData('expected {"text": "lunch 45m"}') from None
    elif request.body:
        text = request.body.decode("utf-8", "replace")
    if not isinstance(text, str) or not text.strip():
        raise BadData("nothing is chosen: expected a text such as `lunch 45m`, `dnd until 15:00` or `auto`")
    return text.strip()
