"""Hours of coming and going against a real service, watching its memory and its tables."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from tests.soak.load import LIVES, Churn
from tests.soak.report import Sample, SoakReport
from tests.support.callers import Callers
from tests.support.served import Served

SETTINGS = """
domains: [example.org]
authentication: {trusted_addresses: [127.0.0.1/32]}
limits: {subscribe: {minimum: 1s}, publish: {minimum: 1s}, registration: {minimum: 1s}}
people: {alice: {sip: "sip:alice@example.org"}}
"""
LAST_TRANSACTION = 40.0
"Seconds after which the last transaction is over."
SPARE = 8.0
"MB by which memory may differ without meaning anything: the allocator keeps what it had."
_FIGURE = re.compile(r"^lamplighter_(kept|subscriptions|publications)\{(.*?)\} ([\d.e+]+)$", re.MULTILINE)


async def soak(
    folder: Path,
    minutes: float,
    seed: int,
    *,
    every: float = 10.0,
    lives: tuple[int, ...] = LIVES,
    progress: Callable[[Sample], None] = lambda sample: None,
) -> SoakReport:
    served = Served(folder, SETTINGS)
    report = SoakReport(minutes, seed)
    await served.start()
    trusted = await Callers.open(served.address)
    strangers = await Callers.open(served.address, "127.0.0.2")
    churn = Churn(served, trusted, strangers, Random(seed), lives)
    loop = asyncio.get_running_loop()
    begun = time.monotonic()
    working = [loop.create_task(_again(getattr(churn, name), pause)) for name, pause in churn.jobs().items()]
    try:
        while (at := time.monotonic() - begun) < minutes * 60:
            sample = await _sample(served, at)
            report.samples.append(sample)
            progress(sample)
            await asyncio.sleep(every)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for (what, status), count in churn.answers.items():
            report.answers[f"{what} {status}" if status else what] = count
        trusted.dialogs.clear()
        await asyncio.sleep(max(lives) + LAST_TRANSACTION)
        last = await _sample(served, time.monotonic() - begun)
        report.left, report.rss_left = last.figures, last.rss
        _judge(report, served)
    finally:
        for task in working:
            task.cancel()
        trusted.close()
        strangers.close()
        await served.end()
    return report


async def _again(job: Callable[[], Awaitable[None]], pause: float) -> None:
    """Do it at that pace, whether or not the one before has been answered."""
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            if len(under_way) < 200:
                task = loop.create_task(job())  # type: ignore[arg-type]
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(pause)
    finally:
        for task in under_way:
            task.cancel()


async def _sample(served: Served, at: float) -> Sample:
    status, text = await served.scrape("/metrics")
    assert status == 200, served.log[-2000:]
    figures: dict[str, float] = {}
    for kind, labels, value in _FIGURE.findall(text):
        name = labels.partition('what="')[2].rstrip('"') if kind == "kept" else kind
        figures[name] = figures.get(name, 0) + float(value)
    return Sample(at, served.resident(), figures)


def _judge(report: SoakReport, served: Served) -> None:
    settled = [sample.rss for sample in report.settled()]
    half = len(settled) // 2
    # A run that is shorter than lives are says nothing of memory.
    if report.minutes > 10 and sum(settled[half:]) / len(settled[half:]) > sum(settled[:half]) / half + SPARE:
        report.faults.append(f"memory grows: {report.growth():+.1f} MB an hour")
    for name in ("client transactions", "server transactions", "watches", "notifies owed", "subscriptions"):
        if report.left.get(name, 0):
            report.faults.append(f"{report.left[name]:.0f} {name} are left when nothing should be")
    if report.left.get("documents", 0) > 5 or report.left.get("publications", 0) > 5:
        report.faults.append(f"left behind: {report.left}")
    if report.left.get("timers", 0) > 100:
        report.faults.append(f"{report.left['timers']:.0f} timers are left")
    if "Traceback" in served.log:
        report.faults.append("a traceback is in the service's log")
