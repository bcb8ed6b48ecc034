"""`lamplighter users passwd`: another password for a user agent."""

from agent.cli.accounts import PasswordFile, UserName, hashes, keep, load_for_users, read_password
from agent.cli.options import DEFAULT_SETTINGS, SettingsOption


def command(
    username: UserName, settings: SettingsOption = DEFAULT_SETTINGS, password_file: PasswordFile = None
) -> None:
    """Give a user another password. The old one is good for nothing from then on.

    Example: lamplighter users passwd alice --password-file -
    """
    loaded, realm = load_for_users(settings)
    made = hashes(username, realm, read_password(password_file))
    keep(settings, loaded, {username: made}, "exist")
    print(f"{username} has another password")
