"""libpurple's SIMPLE watches, publishes and writes; where it has to prove who it is, with `accept_without_qop`."""

from tests.interop.clients.purple import Purple
from tests.interop.scenarios import scenarios

TestPurple = scenarios(Purple)
