"""`lamplighter serve`: the service itself, in the foreground, as a service manager wants it."""

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from agent.app import App, open_app
from agent.cli.options import SettingsOption, load
from agent.cli.service_manager import tell
from agent.clock import SystemClock
from agent.garbage import CLEAR, collect_when_quiet, settle
from agent.settings import Settings
from agent.sip.flows import format_address
from agent.telemetry.logs import configure_logging

log = logging.getLogger("lamplighter.serve")

WATCH_FILES = 2.0
"Seconds between two looks at the settings, the rules, and what these include."


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
    """Run the service until Ctrl-C or SIGTERM. SIGHUP reads settings, rules and certificates again; changed ones are
    noticed anyway.

    Example: lamplighter serve --settings /etc/lamplighter/lamplighter.yaml
    """
    loaded = load(settings)
    configure_logging(loaded.log.level, log_format or loaded.log.format)
    use_uvloop()
    asyncio.run(serve(loaded, control or control_path(settings), settings))


def use_uvloop() -> None:
    """The faster event loop, where it runs."""
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def control_path(settings: Path) -> Path:
    """Where the control socket of the service with these settings is."""
    return settings.parent / (settings.stem + ".sock")


async def serve(settings: Settings, control: Path | None, file: Path) -> None:
    """``file``: where the settings came from. Raises UserError when it can't start."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_app(settings, SystemClock(), control_path=control, reread=lambda: load(file)) as app:
        settle()
        app.supervisor.service(lambda: collect_when_quiet(lambda: is_quiet(app), asyncio.sleep), "garbage")
        loop.add_signal_handler(signal.SIGHUP, read_again, app)
        app.supervisor.service(lambda: watch_files(app, file), "settings and rules files")
        for transport, address in app.addresses:
            log.info("SIP over %s at %s", transport.value.upper(), format_address(address))
        log.info("lamplighter is ready", extra={"fields": {"people": len(settings.people)}})
        tell("READY=1", os.environ)
        await stop.wait()
        log.info("stopping")
        tell("STOPPING=1", os.environ)
        finished = await app.server.departure.leave(
            deactivate=settings.shutdown.watchers == "deactivated",
            within=settings.shutdown.within.total_seconds(),
            sleep=asyncio.sleep,
        )
        if not finished:
            log.info("some watchers have not answered; it ends without")


def is_quiet(app: App) -> bool:
    """No watcher is owed anything, nor will be in a moment, as far as is known."""
    return app.server.notifier.owed == 0 and not app.decider.is_due_within(CLEAR)


def read_again(app: App) -> None:
    """Settings, rules and certificates."""
    app.server.transports.reload_certificates()
    app.supervisor.spawn(app.reload(), "reload")


async def watch_files(app: App, settings: Path) -> None:
    """Reload when a file has changed; editors replace files, so its identity counts as well as its time."""

    def stamps() -> dict[Path, tuple[int, int, int] | None]:
        return {path: _stamp(path) for path in (settings, *app.reload.rules_files)}

    known = stamps()
    while True:
        await asyncio.sleep(WATCH_FILES)
        # A file that is gone is about to be replaced.
        if any(stamp != known.get(path) for path, stamp in stamps().items() if stamp is not None):
            known = stamps()
            await app.reload()
            known = {**stamps(), **known}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
