"""Zones on the map: circles and polygons, and how far from their edge a position is. Pure."""

from math import asin, cos, hypot, pi, radians, sin, sqrt
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectors.settings import at_key

EARTH = 6_371_008.8
"Metres: the mean radius."


def _number_pair(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and not isinstance(value[0], list | tuple):
        north, east = value
        if isinstance(north, int | float) and isinstance(east, int | float):
            if not -90 <= north <= 90:
                raise ValueError("the first number is the latitude, from -90 to 90")
            if not -180 <= east <= 180:
                raise ValueError("the second number is the longitude, from -180 to 180")
            return (float(north), float(east))
    raise ValueError("expected [latitude, longitude] in degrees, e.g. [48.8584, 2.2945]")


Point = Annotated[tuple[float, float], BeforeValidator(_number_pair)]


class Zone(BaseModel):
    """A named place: a circle (`center`, `radius`) or a `polygon`; or neither, if only apps tell of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    center: Point | None = Field(default=None, description="`[latitude, longitude]` of a circle, in degrees.")
    radius: float | None = Field(
        default=None,
        ge=10,
        le=100_000,
        description="Of a circle, in metres; below 50 phones are too inexact.",
    )
    polygon: tuple[Point, ...] = Field(
        default=(), max_length=500, description="Its corners in order, each `[latitude, longitude]`."
    )
    tags: tuple[str, ...] = Field(default=(), description="For rules: `place: {tag: office}`.")
    aliases: tuple[str, ...] = Field(
        default=(), description="What apps call it, where that is not its name here; case does not count."
    )

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if (self.center is None) is not (self.radius is None):
            raise at_key(
                "radius" if self.radius is not None else "center", "`center` and `radius` go together"
            )
        if self.polygon and self.center is not None:
            raise at_key("polygon", "a circle or a polygon, not both")
        if self.polygon and len(self.polygon) < 3:
            raise at_key("polygon", "a polygon has three corners at least")
        return self

    @property
    def has_shape(self) -> bool:
        return self.center is not None or bool(self.polygon)

    @property
    def reach(self) -> float:
        """Metres: the radius, or that of a circle with the polygon's area. Smaller zones are inner ones."""
        if self.radius is not None:
            return self.radius
        if not self.polygon:
            return 0.0
        corners = [_flat(corner, self.polygon[0]) for corner in self.polygon]
        pairs = zip(corners, corners[1:] + corners[:1], strict=True)
        return sqrt(abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2 / pi)

    def distance(self, latitude: float, longitude: float) -> float:
        """Metres from the edge: negative inside."""
        here = (latitude, longitude)
        if self.center is not None and self.radius is not None:
            return _distance(here, self.center) - self.radius
        corners = [_flat(corner, here) for corner in self.polygon]
        edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
        away = min(_to_edge(start, end) for start, end in edges)
        inside = sum(_crosses(start, end) for start, end in edges) % 2 == 1
        return -away if inside else away


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle (haversine)."""
    north1, east1, north2, east2 = map(radians, (*one, *other))
    half = sin((north2 - north1) / 2) ** 2 + cos(north1) * cos(north2) * sin((east2 - east1) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))


def _flat(point: tuple[float, float], origin: tuple[float, float]) -> tuple[float, float]:
    """Metres east and north of ``origin``: exact enough for the size of a zone. Over the date line the short way."""
    east = (point[1] - origin[1] + 180) % 360 - 180
    return radians(east) * cos(radians(origin[0])) * EARTH, radians(point[0] - origin[0]) * EARTH


def _to_edge(start: tuple[float, float], end: tuple[float, float]) -> float:
    """From the origin."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = x * x + y * y
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(start[0] * x + start[1] * y) / length))
    return hypot(start[0] + along * x, start[1] + along * y)


def _crosses(start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a ray to the east from the origin does."""
    if (start[1] > 0) == (end[1] > 0):
        return False
    return start[0] + (end[0] - start[0]) * -start[1] / (end[1] - start[1]) > 0
