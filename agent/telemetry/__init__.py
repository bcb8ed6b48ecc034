"""What the service says about itself: logs without secrets (`logs`, `redact`) and figures (`metrics`)."""

from agent.telemetry.logs import Repeats, configure_logging
from agent.telemetry.metrics import Metrics
from agent.telemetry.redact import redact

__all__ = ["Metrics", "Repeats", "configure_logging", "redact"]
