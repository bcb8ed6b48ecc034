"""Twinkle's console version publishes and writes."""

from tests.interop.clients.twinkle import Twinkle
from tests.interop.scenarios import scenarios

TestTwinkle = scenarios(Twinkle)
