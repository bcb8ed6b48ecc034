"""PJSIP's user agent watches, publishes and writes."""

from tests.interop.clients.pjsua import Pjsua
from tests.interop.scenarios import scenarios

TestPjsua = scenarios(Pjsua)
