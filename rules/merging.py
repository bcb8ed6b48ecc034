"""Several sources that speak of the same phone: which of them count. Pure.

Of the sources that are fresh the surest counts for each device, by the confidence that the settings give them; of
equally sure ones all do, and whoever looks takes the busiest. Different devices add up: a call on either is a call.
"""

from connectors.facts import Fact


def counting(facts: list[Fact]) -> tuple[list[Fact], list[Fact]]:
    """(those that count, those that are outvoted), each in the order given. ``facts``: fresh ones of one kind, whose
    values have a ``device``."""
    if len(facts) < 2:
        return facts, []
    surest: dict[str, float] = {}
    for fact in facts:
        device = _device(fact)
        surest[device] = max(surest.get(device, 0.0), fact.confidence)
    count: list[Fact] = []
    outvoted: list[Fact] = []
    for fact in facts:
        (count if fact.confidence >= surest[_device(fact)] else outvoted).append(fact)
    return count, outvoted


def _device(fact: Fact) -> str:
    device: str = getattr(fact.value, "device", "")
    return device.casefold()
