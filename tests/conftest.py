"""What holds for every test."""

import os

from hypothesis import HealthCheck, settings

# Machines differ and are shared: how long one example takes says nothing about the code.
settings.register_profile("lamplighter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What lands is judged by the same examples each time; whoever works on the code gets new ones with every run.
settings.register_profile("ci", settings.get_profile("lamplighter"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "lamplighter")
