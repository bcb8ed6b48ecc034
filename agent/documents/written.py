"""What this program has written itself need not be read by it: at ten o'clock that is ten thousand documents."""

from datetime import datetime

from agent.documents import pidf
from agent.documents.pidf import Presence


class Written(bytes):
    """A PIDF document in canonical form, with what it says.

    To be made only of a document that reading gives back as it is, and of which composition makes the same bytes again
    when nothing else is published (`agent.publisher.compose` knows when that is so). It is the very object that lives
    in memory; what comes out of the database is read like anybody's.
    """

    document: Presence
    until: datetime | None
    "From then on composition makes another document of it; None: it never does."


def write(document: Presence, until: datetime | None) -> Written:
    body = Written(pidf.build(document))
    body.document, body.until = document, until
    return body
