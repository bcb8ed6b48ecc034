"""Compiles the hot path with mypyc when asked to: ``MYPYC=1 pip install .``

Without it nothing is compiled and no compiler is needed; the sources are the same (docs/decisions/0004-compiled.md).
"""

import os

from setuptools import setup

# What a PUBLISH, a SUBSCRIBE and a NOTIFY pass through in the server, and nothing else.
HOT_PATH = {
    "agent": ["clock"],
    "agent/documents": [
        "data_model",
        "elements",
        "foreign",
        "namespaces",
        "pidf",
        "rpid_reading",
        "values",
        "xml",
    ],
    "agent/net": ["driver", "tokens", "transcript", "udp"],
    "agent/presence": [
        "admission",
        "composition",
        "composition_ids",
        "composition_merge",
        "composition_time",
        "location_policy",
        "packages",
        "publication",
        "records",
        "subscription",
        "told",
    ],
    "agent/server": [
        "admission",
        "authenticate",
        "bodies",
        "clock_jumps",
        "config",
        "flood_guard",
        "gatekeeper",
        "next_hops",
        "notifier",
        "notify_head",
        "notify_queue",
        "pressure",
        "publish",
        "quota",
        "replies",
        "router",
        "subscribe",
        "told",
        "views",
        "watch",
    ],
    "agent/sip": [
        "client_transactions",
        "dialogs",
        "endpoint",
        "events",
        "flows",
        "headers",
        "matching",
        "messages",
        "parsing",
        "routing",
        "server_transactions",
        "timers",
        "values",
    ],
    "agent/telemetry": ["histogram", "sip_messages"],
    "agent/store": [
        "changes",
        "codec",
        "expiry",
        "group",
        "numbering",
        "reads",
        "rows",
        "store",
        "undo",
        "working_set",
    ],
}
FILES = [f"{folder}/{name}.py" for folder, names in HOT_PATH.items() for name in names]
COMPILER = "mypy[mypyc]>=1.18"
# Compiled code stakes its life on types, and those of other packages are not always true (lxml's stubs are written by
# hand): of what comes from outside nothing is believed. `make check` is where types are checked.
SWITCHES = [
    "--no-site-packages",
    "--ignore-missing-imports",
    "--no-warn-unused-ignores",
    "--no-warn-return-any",
    "--allow-untyped-decorators",
    "--allow-subclassing-any",
]


def main() -> None:
    if os.environ.get("MYPYC", "0") in ("", "0"):
        setup()
        return
    try:
        from mypyc.build import mypycify
    except ImportError:  # pip's first call, which only asks what is needed for the second
        setup(setup_requires=[COMPILER])
        return
    modules = mypycify([*SWITCHES, *FILES], opt_level="2", debug_level="0", group_name="lamplighter")
    for module in modules:
        # Nobody replaces one of our functions from outside: calls among them need no table.
        module.extra_compile_args.append("-fno-semantic-interposition")
        module.extra_link_args.append("-Wl,-Bsymbolic")
    setup(setup_requires=[COMPILER], ext_modules=modules)


if __name__ == "__main__":
    main()
