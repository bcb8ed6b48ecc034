"""What a dialled extension says, in the words of a SIP MESSAGE to the agent. Pure."""

from collections.abc import Mapping

CODES = (
    "What a dialled extension means, in the words of a SIP MESSAGE to the agent: `*78: dnd`. A code that ends in a dot"
    " takes more digits: `*45.: lunch {digits}m`."
)
"The description of the setting."


def words_of(dialled: str, codes: Mapping[str, str]) -> str | None:
    """As in a dial plan: the very extension counts before one that takes more digits, of those the longest."""
    if dialled in codes:
        return codes[dialled]
    for code in sorted((one for one in codes if one.endswith(".")), key=len, reverse=True):
        stem = code[:-1]
        if dialled.startswith(stem) and dialled != stem:
            return codes[code].replace("{digits}", dialled[len(stem) :])
    return None
