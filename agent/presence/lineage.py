"""Which publications are of one client, where that client forgets its entity-tags. Pure."""

from agent.documents.pidf import Presence

FORGETFUL = {
    "bs35r9f": "COMPAT(libpurple 2.14): publishes every state anew, as if there had been none before",
    "t4109": "COMPAT(baresip 1.0): publishes twice at its start, before it has the first one's tag",
}
"Tuple ids that these programs have in every document, on every machine."


def lineage(publisher: str, document: Presence) -> str | None:
    """For `composition.Input`: what a forgetful client has published before is no state beside its newest.

    None: not one of those. Of two such programs of one person, the one that spoke last is heard; with the states of
    both, neither would ever be seen to leave.
    """
    ids = [each.id for each in document.tuples]
    return f"{publisher} {ids[0]}" if len(ids) == 1 and ids[0] in FORGETFUL else None
