"""What a dialled extension says, and what an application of the dial plan says by UserEvent. Pure."""

from collections.abc import Mapping

from connectors.asterisk.wire import Message
from connectors.codes import words_of

USER_EVENT = "lamplighter"
"``UserEvent(Lamplighter,Text: lunch 45m)`` in the dial plan."


def command_in(message: Message, codes: Mapping[str, str]) -> str | None:
    """The words of somebody's command, as by SIP MESSAGE. None: the message is none."""
    name = message.event.lower()
    if name == "userevent" and message.get("userevent").lower() == USER_EVENT:
        return message.get("text") or None
    # Only who calls has dialled; the leg to the one called has another extension, or none.
    if name == "newchannel" and message.get("channelstate") in ("0", "4"):
        return words_of(message.get("exten"), codes)
    return None
