"""Sofia-SIP watches, publishes and writes."""

from tests.interop.clients.sofia import Sofia
from tests.interop.scenarios import scenarios

TestSofia = scenarios(Sofia)
