"""The vocabularies of RPID (RFC 4480)."""

ACTIVITIES = frozenset(
    """appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting
    on-the-phone performance permanent-absence playing presentation shopping sleeping spectator steering
    travel tv unknown vacation working worship""".split()  # noqa: SIM905
)
"""RFC 4480 §3.2; `other` carries text and stands apart. `lunch` is in the prose but not in the schema."""

NOT_IN_SCHEMA = {"lunch": "meal"}
"Activity -> what a reader that validates against the schema can take instead."

MOODS = frozenset(
    """afraid amazed angry annoyed anxious ashamed bored brave calm cold confused contented cranky curious
    depressed disappointed disgusted distracted embarrassed excited flirtatious frustrated grumpy guilty
    happy hot humbled humiliated hungry hurt impressed in_awe in_love indignant interested invincible
    jealous lonely mean moody nervous neutral offended playful proud relieved remorseful restless sad
    sarcastic serious shocked shy sick sleepy stressed surprised thirsty unknown worried""".split()  # noqa: SIM905
)
"RFC 4480 §3.5; `other` carries text and stands apart."

PRIVACY = frozenset({"audio", "text", "video", "unknown"})
"RFC 4480 §3.8."

RELATIONSHIPS = frozenset({"assistant", "associate", "family", "friend", "self", "supervisor", "unknown"})
"RFC 4480 §3.9; `other` carries text and stands apart."

SERVICE_CLASSES = frozenset({"courier", "electronic", "freight", "in-person", "postal", "unknown"})
"RFC 4480 §3.10."

SPHERES = frozenset({"home", "work", "unknown"})
"RFC 4480 §3.11; anything else is a foreign element, or text as in the RFC's own example."

PLACE_AUDIO = frozenset({"noisy", "ok", "quiet", "unknown"})
PLACE_VIDEO = frozenset({"toobright", "ok", "dark", "unknown"})
PLACE_TEXT = frozenset({"uncomfortable", "inappropriate", "ok", "unknown"})
"RFC 4480 §3.6."
