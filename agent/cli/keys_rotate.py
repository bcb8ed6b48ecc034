"""`lamplighter keys rotate`: a new key for every secret."""

import json
from dataclasses import asdict
from typing import Any

from agent.cli.control_client import ask, is_running
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.store_access import Opened, in_the_store


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Encrypt every secret with a new key and drop the old one, in the running service or without one. It may be cut
    off at any point: until every secret is written, the key file has both keys.

    Keys from a variable or a systemd credential cannot be changed from here: put the new one before the old ones,
    restart, and this command encrypts everything with it.

    Example: lamplighter keys rotate --settings /etc/lamplighter/lamplighter.yaml
    """

    async def rotate(opened: Opened) -> dict[str, Any]:
        return asdict(await opened.keys.rotate())

    loaded = load(settings)
    done: dict[str, Any] = (
        ask(settings, "/v1/keys/rotate", "POST") if is_running(settings) else in_the_store(loaded, rotate)
    )
    if as_json:
        print(json.dumps(done, ensure_ascii=False))
        return
    print(
        f"{done['sealed']} secret{'' if done['sealed'] == 1 else 's'} encrypted anew; the key is now {done['key']}"
    )
    if done["dropped"]:
        print(f"dropped: {', '.join(done['dropped'])}")
    if done["removable"]:
        print(
            f"nothing needs these keys any more, take them away where they are kept: {', '.join(done['removable'])}"
        )
