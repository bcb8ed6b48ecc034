"""`lamplighter serve`: the service itself, in the foreground, as a service manager wants it."""

import asyncio
import contextlib
import gc
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from agent.app import App, open_app
from agent.cli.options import SettingsOption, load
from agent.clock import SystemClock
from agent.settings import Settings
from agent.sip.flows import format_address
from agent.telemetry.logs import configure_logging

log = logging.getLogger("lamplighter.serve")

WATCH_RULES = 2.0
"Seconds between two looks at the rules file."


def command(
    settings: SettingsOption = Path("lamplighter.yaml"),
    log_format: Annotated[
        str | None, typer.Option("--log-format", help="`text` or `json`; default: what the settings say.")
    ] = None,
    control: Annotated[
        Path | None,
        typer.Option(
            help="Socket file for `lamplighter explain` and the like; default: beside the settings file."
        ),
    ] = None,
) -> None:
    """Run the service until Ctrl-C or SIGTERM. SIGHUP reads the rules again; a changed rules file is noticed anyway.

    Example: lamplighter serve --settings /etc/lamplighter/lamplighter.yaml
    """
    loaded = load(settings)
    configure_logging(loaded.log.level, log_format or loaded.log.format)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(loaded, control or control_path(settings)))


def control_path(settings: Path) -> Path:
    """Where the control socket of the service with these settings is."""
    return settings.parent / (settings.stem + ".sock")


async def serve(settings: Settings, control: Path | None) -> None:
    """Raises UserError when it can't start."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_app(settings, SystemClock(), control_path=control) as app:
        # What was loaded stays; looking through it again and again would cost pauses of a tenth of a second.
        gc.collect()
        gc.freeze()
        loop.add_signal_handler(signal.SIGHUP, app.reload_rules)
        app.supervisor.service(lambda: watch_rules(app), "rules file")
        for transport, address in app.addresses:
            log.info("SIP over %s at %s", transport.value.upper(), format_address(address))
        log.info("lamplighter is ready", extra={"fields": {"people": len(settings.people)}})
        await stop.wait()
        log.info("stopping")


async def watch_rules(app: App) -> None:
    """Reload when the file has changed; editors replace files, so its identity counts as well as its time."""
    path = app.rules_path
    if path is None:
        return
    known = _stamp(path)
    while True:
        await asyncio.sleep(WATCH_RULES)
        seen = _stamp(path)
        if seen != known and seen is not None:
            known = seen
            app.reload_rules()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
