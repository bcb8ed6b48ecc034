"""`lamplighter users add`: one more user agent that may sign in."""

from agent.cli.accounts import PasswordFile, UserName, hashes, keep, load_for_users, read_password
from agent.cli.options import DEFAULT_SETTINGS, SettingsOption


def command(
    username: UserName, settings: SettingsOption = DEFAULT_SETTINGS, password_file: PasswordFile = None
) -> None:
    """Let a phone or softphone sign in. It holds at once; the password itself is kept nowhere.

    Example: lamplighter users add alice --settings /etc/lamplighter/lamplighter.yaml
    """
    loaded, realm = load_for_users(settings)
    made = hashes(username, realm, read_password(password_file))
    keep(settings, loaded, {username: made}, "be new")
    print(f"{username} may sign in, in the realm {realm}")
