"""A reporter's JSON → a fact. Pure.

Only durations are told, never times of the computer: its clock may be wrong.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import BadData
from connectors.facts import ActivityState, ActivityValue

LONGEST_IDLE = 30 * 86400
"Seconds. Longer than that is as good as that."


class _Report(BaseModel):
    """What `lamplighter device` sends, and whoever else wants to."""

    model_config = ConfigDict(extra="ignore")

    device: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f/]+$")]
    idle_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    locked: bool = False
    active: bool | None = None
    "None: by ``idle_seconds`` alone."
    every: Annotated[float | None, Field(gt=0, le=3600)] = None
    "Seconds until the next report, at most."


@dataclass(frozen=True, slots=True)
class Told:
    """One computer, as it said itself to be."""

    value: ActivityValue
    every: timedelta | None
    "How soon it says so again."


ACTIVE_WITHIN = 60.0
"Seconds since the last input, in which a computer that does not say is being used."


def read_report(body: bytes, received_at: datetime) -> Told:
    """Raises `BadData` that names every mistake."""
    try:
        given: Any = json.loads(body)
        report = _Report.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'report'}: {each['msg']}"
            for each in error.errors(include_url=False)
        )
        raise BadData(f"the report is wrong: {wrong}") from None
    except (ValueError, RecursionError):
        raise BadData('the report is not JSON such as {"device": "laptop", "idle_seconds": 12}') from None
    last_input = received_at - timedelta(seconds=min(report.idle_seconds, LONGEST_IDLE))
    active = report.idle_seconds < ACTIVE_WITHIN if report.active is None else report.active
    state = ActivityState.LOCKED if report.locked else ActivityState.ACTIVE if active else ActivityState.IDLE
    every = timedelta(seconds=report.every) if report.every is not None else None
    return Told(ActivityValue(report.device, state, last_input), every)
