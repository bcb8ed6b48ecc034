"""The tables of docs/interop.md, from what a run of the tests has left. ``--print`` shows them instead.

pytest tests/interop --junitxml build/interop.xml
python docs/tools/interop_table.py build/interop.xml
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # what pytest itself has written

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.interop.browser import PACKAGES  # noqa: E402
from tests.interop.clients.aiosip import Aiosip  # noqa: E402
from tests.interop.clients.baresip import Baresip  # noqa: E402
from tests.interop.clients.client import Ability, Client, installed_version  # noqa: E402
from tests.interop.clients.linphone import Linphone  # noqa: E402
from tests.interop.clients.pjsua import Pjsua  # noqa: E402
from tests.interop.clients.purple import Purple  # noqa: E402
from tests.interop.clients.sipsak import Sipsak  # noqa: E402
from tests.interop.clients.sofia import Sofia  # noqa: E402
from tests.interop.clients.twinkle import Twinkle  # noqa: E402
from tests.interop.scenarios import NEEDS  # noqa: E402

PAGE = ROOT / "docs" / "interop.md"
BEGIN, END = "<!-- made by docs/tools/interop_table.py -->", "<!-- end of what is made -->"
DRIVERS: tuple[type[Client], ...] = (Baresip, Linphone, Pjsua, Sofia, Purple, Twinkle, Sipsak, Aiosip)
OTHERS = (
    (
        "SIPp",
        "sip-tester",
        "test_sipp",
        "life cycles of PUBLISH and SUBSCRIBE, 406, 412, 423, 481, 489, fetches",
    ),
    ("SIP.js", f"{PACKAGES['sip.js']}", "test_browser.*sipjs", "WebSocket in Chromium: presence and lamp"),
    ("JsSIP", f"{PACKAGES['jssip']}", "test_browser.*jssip", "WebSocket in Chromium: presence and lamp"),
    ("Kamailio", "kamailio", "test_kamailio_proxy", "proxy in front, by deploy/examples/kamailio"),
    ("Kamailio", "kamailio", "test_kamailio_as_server", "presence server that is published to, with digest"),
    ("Kamailio", "kamailio", "test_kamailio_edge", "publishes calls, by deploy/examples/kamailio"),
    ("Kamailio", "kamailio", "test_kamailio_calls", "PBX whose calls are subscribed to"),
    ("Asterisk", "chroot", "test_asterisk_example", "lamps beside it, by deploy/examples/asterisk"),
    ("Asterisk", "chroot", "test_asterisk", "all tests with it: calls, registrations, codes, restarts"),
    (
        "Radicale and Sofia-SIP",
        "",
        "test_meeting_lamp",
        "a meeting lights the lamp of who only knows dialogs",
    ),
    ("baresip and Linphone, pjsua and Sofia-SIP", "", "test_pairs", "each sees what the other publishes"),
)


@dataclass(frozen=True, slots=True)
class Result:
    module: str
    group: str
    "The class, or empty."
    test: str
    way: str
    passed: bool


def read(file: Path) -> tuple[str, list[Result]]:
    """(the day of the run, its results)."""
    suite = ElementTree.parse(file).getroot()
    suite = suite if suite.tag == "testsuite" else suite[0]
    return suite.get("timestamp", "")[:10], list(_results(suite))


def _results(suite: ElementTree.Element) -> Iterator[Result]:
    for case in suite.iter("testcase"):
        where = case.get("classname", "")
        if not where.startswith("tests.interop."):
            continue
        path = where.removeprefix("tests.interop.").split(".")
        name, _, way = case.get("name", "").partition("[")
        passed = not any(child.tag in ("failure", "error", "skipped") for child in case)
        yield Result(path[0], path[1] if len(path) > 1 else "", name, way.rstrip("]"), passed)


def clients(results: Sequence[Result]) -> list[str]:
    """One row for each program, one column for each ability: the transports over which it works on every way."""
    lines = [
        f"| program | version | {' | '.join(Ability)} | passed |",
        f"|---|---|{'---|' * len(Ability)}---|",
    ]
    for driver in DRIVERS:
        found = [each for each in results if each.group == f"Test{driver.__name__}"]
        cells = [_works(found, ability) for ability in Ability]
        passed = sum(each.passed for each in found)
        lines.append(
            f"| {driver.program} | {driver.version()} | {' | '.join(cells)} | {passed} of {len(found)} |"
        )
    return lines


def _works(results: Sequence[Result], ability: Ability) -> str:
    test = next(name for name, needed in NEEDS.items() if needed is ability)
    ways: dict[str, list[bool]] = defaultdict(list)
    for each in results:
        if each.test == test:
            ways[each.way.partition("-")[0]].append(each.passed)
    if not ways:
        return "–"
    return (
        " ".join(kind.upper() if all(ok) else f"({kind.upper()})" for kind, ok in ways.items() if any(ok))
        or "✗"
    )


def others(results: Sequence[Result]) -> list[str]:
    lines = ["| program | version | what | passed |", "|---|---|---|---|"]
    for program, package, tests, what in OTHERS:
        module, _, way = tests.partition(".*")
        found = [each for each in results if each.module.startswith(module) and way in each.way]
        version = package if not package or package[0].isdigit() else _version(package)
        lines.append(
            f"| {program} | {version} | {what} | {sum(each.passed for each in found)} of {len(found)} |"
        )
    return lines


def _version(package: str) -> str:
    return "22 (Debian sid)" if package == "chroot" else installed_version(package)


def main(arguments: Sequence[str]) -> None:
    file, *options = arguments
    day, results = read(Path(file))
    failed = sum(not each.passed for each in results)
    said = f"Run of {day} on Debian 12: {len(results)} tests, {failed} failed."
    made = "\n".join([BEGIN, "", said, "", *clients(results), "", *others(results), "", END])
    if "--print" in options:
        sys.stdout.write(made + "\n")
        return
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + made + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
