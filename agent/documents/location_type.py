"""The registry of kinds of places (RFC 4589), used inside RPID's place-type."""

PLACE_TYPES = frozenset(
    """aircraft airport arena automobile bank bar bicycle bus bus-station cafe classroom club construction
    convention-center government hospital hotel industrial library motorcycle office other outdoors
    parking place-of-worship prison public public-transport residence restaurant school shopping-area
    stadium store street theater train train-station truck underway unknown warehouse water
    watercraft""".split()  # noqa: SIM905
)
