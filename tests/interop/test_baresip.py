"""baresip watches, publishes and writes."""

from tests.interop.clients.baresip import Baresip
from tests.interop.scenarios import scenarios

TestBaresip = scenarios(Baresip)
