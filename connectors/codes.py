"""What a dialled extension says, in the words of a SIP MESSAGE to the agent. Pure."""

from collections.abc import Mapping

CODES = (
    "What a dialled extension means, in the words of a SIP MESSAGE to the agent: `*78: dnd`. A code that ends in a dot"
    " takes more digits: `*45.: lunch {digits}m`."
)
"The description of the setting."


def words_of(dialled: str, codes: Mapping[str, str]) -> str | None:
    """The longest code that fits counts, as in a dial plan."""
    for code in sorted(codes, key=len, reverse=True):
        if code == dialled:
            return codes[code]
        stem = code[:-1]
        if code.endswith(".") and dialled.startswith(stem) and dialled != stem:
            return codes[code].replace("{digits}", dialled[len(stem) :])
    return None
