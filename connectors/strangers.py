"""Somebody is told of who is not linked: worth a line now and then, and never their name."""

import logging

log = logging.getLogger(__name__)


class Strangers:
    """Of one entry. Tells of the first, the tenth, the hundredth …, so that a mapping that finds nobody is noticed and
    guests in the Wi-Fi fill no log."""

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self.count = 0

    def seen(self) -> None:
        self.count += 1
        digits = str(self.count)
        if digits.strip("0") == "1":
            times = "once" if self.count == 1 else f"{self.count} times"
            log.info(
                "%s: told %s of somebody who is not linked; `lamplighter connectors try` shows what is understood",
                self._entry,
                times,
            )
