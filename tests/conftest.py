"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Machines differ and are shared: how long one example takes says nothing about the code.
settings.register_profile("lamplighter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lamplighter")
