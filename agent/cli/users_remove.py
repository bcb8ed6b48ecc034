"""`lamplighter users remove`: a user agent may not sign in any more."""

from agent.cli.accounts import UserName, load_for_users, remove
from agent.cli.options import DEFAULT_SETTINGS, SettingsOption


def command(username: UserName, settings: SettingsOption = DEFAULT_SETTINGS) -> None:
    """Take a user away. Holds at once for what it asks next; what it has published and watches lasts until it expires.

    Example: lamplighter users remove alice
    """
    loaded, _ = load_for_users(settings)
    remove(settings, loaded, username)
    print(f"{username} may not sign in any more")
