"""In which zone one device is, from what its app tells. Pure.

A position is a circle and not a point, a zone has an edge, and neither may make presence flicker:

- in: the position is inside by as much as it is inexact (or by half the zone); or it is just inside, exact enough,
  and a second one a while later says so too;
- out: it is outside by as much as it is inexact, and by a margin; once is enough when it is far away, else a second one
  or some time without another has to confirm it;
- anything between changes nothing.

What the app itself knows of its regions goes before what is computed here, since it has seen more than it tells. Only a
position far outside a region takes back an arrival whose departure was lost. What is older than what is known changes
nothing; of two reports for the same second the more exact one counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from connectors.facts import PlaceValue
from connectors.location.report import Fix, Report
from connectors.location.zones import Zone

AHEAD = timedelta(seconds=60)
"A device's clock may be so much before ours."
IN_TRANSIT = 20.0
"km/h, above which somebody outside of all zones is under way."
FAR = 3.0
"Times the margin outside: no second position is needed."


@dataclass(frozen=True, slots=True)
class Policy:
    """How positions become zones."""

    zones: Mapping[str, Zone] = field(default_factory=dict)
    max_accuracy: float = 200.0
    "Metres; what is less exact is not looked at."
    dwell_in: timedelta = timedelta(seconds=60)
    dwell_out: timedelta = timedelta(seconds=120)
    ttl: timedelta = timedelta(hours=4)
    "Without news for so long nothing is known."
    positions: bool = True
    "False: only regions of the app count."
    mocked: bool = False
    "Positions that another app has made up count too."
    assumed_accuracy: float | None = None
    "Metres, for positions that do not say. None: they are not looked at."

    def named(self, region: str) -> str:
        """The zone that an app's region is."""
        # OwnTracks: a name with a leading - is one that is held.
        wanted = region.strip().lstrip("-").strip()
        folded = wanted.casefold()
        for name, zone in self.zones.items():
            if folded == name.casefold() or folded in (alias.casefold() for alias in zone.aliases):
                return name
        return wanted

    def reach(self, zone: str) -> float:
        known = self.zones.get(zone)
        return known.reach if known is not None and known.has_shape else 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept of a device: no coordinates."""

    zone: str | None
    since: datetime
    fixed_at: datetime
    "When the device last told."
    confidence: float = 1.0
    tags: tuple[str, ...] = ()

    def value(self) -> PlaceValue:
        return PlaceValue(self.zone, self.since, self.tags, self.confidence)


class Whereabouts:
    """Of one device. ``take`` what is told; `kept` is what follows."""

    def __init__(self, policy: Policy, kept: Kept | None = None) -> None:
        """``kept``: what was known before a restart."""
        self._policy = policy
        self.kept = kept
        self._inside: dict[str, datetime] = {}
        "By positions: zone -> since."
        self._regions: dict[str, datetime] = {}
        "By the app: zone -> since."
        self._coming: dict[str, datetime] = {}
        "Just inside, not yet confirmed."
        self._going: dict[str, datetime] = {}
        self._ranks: dict[str, int] = {}
        "Where the app's list has them, the innermost first."
        self._tells_regions = False
        self._accuracy: float | None = None
        self._event_at: dict[str, datetime] = {}
        self._moving = False
        if kept is not None and kept.zone is not None:
            known = policy.zones.get(kept.zone)
            holder = self._inside if known is not None and known.has_shape else self._regions
            holder[kept.zone] = kept.since

    def take(self, report: Report, now: datetime) -> str | None:
        """Why nothing of it counts; None: it was taken, and `kept` may be new."""
        if report.at > now + AHEAD:
            return "the device's clock is ahead"
        if report.at < now - self._policy.ttl:
            return "it is too old"
        taken = self._take_region(report)
        reason = self._take_state(report)
        if not taken and reason is not None:
            return reason
        self._conclude(report.at)
        return None

    def due(self) -> datetime | None:
        """When `ripen` has something to do."""
        waiting = min(self._going.values(), default=None)
        return None if waiting is None else waiting + self._policy.dwell_out

    def ripen(self, now: datetime) -> bool:
        """Somebody was seen outside and nothing else since: after a while that is believed. True: `kept` is new."""
        gone = [zone for zone, since in self._going.items() if now >= since + self._policy.dwell_out]
        for zone in gone:
            self._drop(zone)
        if gone and self.kept is not None:
            self._conclude(self.kept.fixed_at)
        return bool(gone)

    # -- what the app says of its regions ------------------------------------------------------------------

    def _take_region(self, report: Report) -> bool:
        """Arrivals and departures have an order of their own for each region."""
        region = report.entered or report.left
        if region is None:
            return False
        zone = self._policy.named(region)
        if not zone or report.at < self._event_at.get(zone, report.at):
            return False
        self._event_at[zone] = report.at
        if report.entered is not None:
            self._regions.setdefault(zone, report.at)
        else:
            self._drop(zone)
        return True

    def _take_state(self, report: Report) -> str | None:
        """Position and list of regions: what holds at that moment. The reason why they do not count."""
        if report.fix is None and report.regions is None:
            return "it says nothing of where"
        if self.kept is not None and report.at < self.kept.fixed_at:
            return "something newer is known"
        reason = self._unusable(report.fix)
        accuracy = self._accuracy_of(report.fix) if report.fix is not None and reason is None else None
        if (
            report.regions is None
            and self.kept is not None
            and report.at == self.kept.fixed_at
            and self._accuracy is not None
            and (accuracy is None or accuracy >= self._accuracy)
        ):
            return "it is known already"
        # An app that lists its regions leaves the list out when it is in none.
        listed = report.regions is not None or (self._tells_regions and report.fix is not None)
        if listed:
            self._set_regions(report.regions or (), report.at)
            self._tells_regions = True
            if report.fix is None:
                self._inside.clear()  # an app that tells zones alone: what positions said before is past
        if report.fix is None or reason is not None:
            return None if listed else reason
        assert accuracy is not None
        self._accuracy = accuracy
        self._moving = (report.fix.speed or 0.0) >= IN_TRANSIT
        for name, zone in self._policy.zones.items():
            if zone.has_shape:
                self._weigh(name, zone, report.fix, accuracy, report.at)
        return None

    def _set_regions(self, regions: tuple[str, ...], at: datetime) -> None:
        named = dict.fromkeys(self._policy.named(region) for region in regions)
        self._ranks = {zone: rank for rank, zone in enumerate(named)}
        for zone in [zone for zone in self._regions if zone not in named]:
            if self._event_at.get(zone, at) <= at:
                self._drop(zone)
        for zone in named:
            if self._event_at.get(zone, at) <= at:
                self._regions.setdefault(zone, at)

    def _unusable(self, fix: Fix | None) -> str | None:
        policy = self._policy
        if fix is None:
            return "it has no position"
        if not policy.positions:
            return "positions are not looked at"
        if fix.mock and not policy.mocked:
            return "the position is made up"
        accuracy = self._accuracy_of(fix)
        if accuracy is None:
            return "it does not say how exact it is"
        if accuracy > policy.max_accuracy:
            return "it is too inexact"
        return None

    def _accuracy_of(self, fix: Fix) -> float | None:
        return fix.accuracy if fix.accuracy is not None else self._policy.assumed_accuracy

    # -- positions against zones -----------------------------------------------------------------------------

    def _weigh(self, name: str, zone: Zone, fix: Fix, accuracy: float, at: datetime) -> None:
        edge, reach = zone.distance(fix.latitude, fix.longitude), zone.reach
        margin = max(accuracy, 50.0, reach / 4)
        if name in self._inside or name in self._regions:
            self._coming.pop(name, None)
            if name not in self._inside:
                margin += accuracy  # an app's own arrival is taken back with more reluctance
            if edge <= margin:
                self._going.pop(name, None)
            elif edge > FAR * margin or (name in self._going and at > self._going[name]):
                self._drop(name)
            else:
                self._going.setdefault(name, at)
            return
        if edge <= -min(accuracy, reach / 2):
            self._coming.pop(name, None)
            self._inside[name] = at
        elif edge <= 0 and accuracy <= reach:
            first = self._coming.setdefault(name, at)
            if at - first >= self._policy.dwell_in:
                del self._coming[name]
                self._inside[name] = first
        elif edge > accuracy:
            self._coming.pop(name, None)

    def _drop(self, zone: str) -> None:
        for holder in (self._inside, self._regions, self._going, self._coming):
            holder.pop(zone, None)

    # -- what follows ----------------------------------------------------------------------------------------

    def _conclude(self, at: datetime) -> None:
        fixed_at = at if self.kept is None else max(at, self.kept.fixed_at)
        zone = self._innermost()
        if zone is None:
            since = at if self.kept is None or self.kept.zone is not None else self.kept.since
        else:
            since = self._regions.get(zone) or self._inside[zone]
        tags = self._tags(zone)
        self.kept = Kept(zone, since, fixed_at, self._confidence(zone), tags)

    def _innermost(self) -> str | None:
        """Of the app's own regions first; the smallest; of those without a size the one that the app lists first, or
        that was entered last."""
        holder = self._regions or self._inside
        if not holder:
            return None
        return min(
            holder,
            key=lambda zone: (
                self._policy.reach(zone),
                self._ranks.get(zone, 0),
                -holder[zone].timestamp(),
                zone,
            ),
        )

    def _tags(self, zone: str | None) -> tuple[str, ...]:
        around = [name for name in chain(self._regions, self._inside) if name != zone]
        if zone is None:
            return ("in-transit",) if self._moving else ()
        told = [
            *self._zone_tags(zone),
            *sorted(around),
            *chain.from_iterable(map(self._zone_tags, sorted(around))),
        ]
        return tuple(dict.fromkeys(told))

    def _zone_tags(self, zone: str) -> tuple[str, ...]:
        known = self._policy.zones.get(zone)
        return known.tags if known is not None else ()

    def _confidence(self, zone: str | None) -> float:
        """In steps, so that it is not news with every position."""
        if zone in self._regions or self._accuracy is None:
            return 1.0
        reach = self._policy.reach(zone) if zone is not None else self._policy.max_accuracy
        return max(0.5, round(1 - self._accuracy / (2 * max(reach, 1.0)), 1))
