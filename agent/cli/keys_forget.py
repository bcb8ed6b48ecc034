"""`lamplighter keys forget`: when a key is lost for good."""

import json

from agent.cli.control_client import is_running
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.store_access import Opened, in_the_store
from agent.errors import UserError


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Drop the secrets that no key here can read, so that the service starts again. Linked accounts stay linked and
    say that their password is missing; users need a new password.

    Example: lamplighter keys forget --settings /etc/lamplighter/lamplighter.yaml
    """

    async def forget(opened: Opened) -> list[str]:
        return await opened.keys.forget()

    loaded = load(settings)
    if is_running(settings):
        raise UserError("a service runs, so no key is missing")
    dropped = in_the_store(loaded, forget, need_keys=False)
    if as_json:
        print(json.dumps({"dropped": dropped}, ensure_ascii=False))
    else:
        print(*dropped or ["every secret can be read; nothing was dropped"], sep="\n")
