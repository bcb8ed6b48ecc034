"""Where Microsoft's clouds are: each has its own sign-in and its own Graph, and tokens of one mean nothing to another.

Source: Microsoft Graph national cloud deployments (learn.microsoft.com/graph/deployments).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Cloud:
    """One deployment: addresses without a path."""

    login: str
    graph: str


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        # GCC is served by the global cloud; GCC High and DoD are Azure Government.
        "gcc": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        "gcc-high": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "usgov": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        "china": Cloud("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    }
)
