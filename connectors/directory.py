"""Who is meant by the names that sources use: addresses, extensions, badge numbers, hardware addresses. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Member = TypeVar("Member")

_HARDWARE = re.compile(r"[0-9a-f]{2}([:.-]?[0-9a-f]{2}){5}\Z|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\Z")


def normal(name: str) -> str:
    """Names that differ in case, or in how a hardware address is punctuated, are the same."""
    name = name.strip().casefold()
    return re.sub(r"[:.-]", "", name) if _HARDWARE.match(name) else name


class Directory(Generic[Member]):
    """Members by name. One may have several names; of members with the same name the newest is found."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Member]] = {}

    def attach(self, names: Iterable[str], member: Member) -> None:
        for name in {normal(name) for name in names if name.strip()}:
            self._by_name.setdefault(name, []).append(member)

    def detach(self, member: Member) -> None:
        """Nothing happens when it is not there."""
        for name in [name for name, members in self._by_name.items() if member in members]:
            self._by_name[name].remove(member)
            if not self._by_name[name]:
                del self._by_name[name]

    def find(self, name: str) -> Member | None:
        members = self._by_name.get(normal(name))
        return members[-1] if members else None

    def __iter__(self) -> Iterator[Member]:
        """Each once."""
        seen: list[Member] = []
        for members in self._by_name.values():
            for member in members:
                if member not in seen:
                    seen.append(member)
                    yield member
