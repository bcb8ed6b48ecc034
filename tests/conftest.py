"""What holds for every test."""

import gc
import importlib
import logging
import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines differ and are shared: how long one example takes says nothing about the code.
settings.register_profile("lamplighter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What lands is judged by the same examples each time; whoever works on the code gets new ones with every run.
settings.register_profile("ci", settings.get_profile("lamplighter"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "lamplighter")


REAL = frozenset(
    map(
        Path,
        (
            "agent/cli",
            "agent/demo",
            "agent/device",
            "agent/test_app.py",
            "connectors/semantics",
            "convergence",
            "crash",
            "interop",
            "soak",
        ),
    )
)
"Tests of real programs, or in real time."


def pytest_sessionstart() -> None:
    """`make test-compiled` must not test the sources by mistake."""
    if "EXPECT_COMPILED" in os.environ:
        for file in runpy.run_path("setup.py", run_name="listed")["FILES"]:
            module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
            if module.__file__ is None or not module.__file__.endswith(".so"):
                raise pytest.UsageError(f"{file} is not compiled")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A real program on a busy machine gets a second chance; that it needed one is told in the summary (`-ra`), and a
    second failure is one. In virtual time there is no such excuse."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here)
        if (
            REAL & {place, *place.parents}
            or item.get_closest_marker("slow")
            or item.get_closest_marker("interop")
        ):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that sets up logging, as the service does, leaves nothing of it to the next."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    levels = {
        name: each.level for name, each in root.manager.loggerDict.items() if isinstance(each, logging.Logger)
    }
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture(autouse=True)
def _garbage_as_it_was() -> Iterator[None]:
    """A test that starts the service in this process leaves the collector to the next as Python has it: the service
    makes the full pass itself, and nobody would make it here."""
    before = gc.get_threshold()
    yield
    if gc.get_threshold() != before:
        gc.set_threshold(*before)
        gc.unfreeze()
