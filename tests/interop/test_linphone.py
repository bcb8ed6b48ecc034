"""Linphone's console client watches, publishes and writes."""

from tests.interop.clients.linphone import Linphone
from tests.interop.scenarios import scenarios

TestLinphone = scenarios(Linphone)
