"""The command ``lamplighter``: which commands there are, and how errors reach people.

Every command is one file with one function ``command``; it is imported when it is used, so that help is quick.
"""

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from agent.cli.origin import check_origin
from agent.errors import EXIT_PROBLEM, UserError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Write a settings file and a rules file to start from."),
    "serve": ("serve", "Run the service: calendars and phones in, presence out."),
    "demo": ("demo", "Run a small organisation on this machine and watch its lamps."),
    "watch": ("watch", "Subscribe to somebody's presence and print what is told."),
    "publish": ("publish", "Publish a state for somebody, as a phone would."),
    "status": ("status", "Show who is shown as what, and which sources answer."),
    "explain": ("explain", "Say why somebody is shown as they are."),
    "choose": ("choose", "Choose what somebody is shown as, and until when."),
    "reload": ("reload", "Have the running service read settings and rules again."),
    "link": ("link", "Link somebody's calendar or another account."),
    "unlink": ("unlink", "Take a link back."),
    "links list": ("links_list", "Show the linked accounts and their health."),
    "links check": ("links_check", "Ask linked accounts what they can see."),
    "users add": ("users_add", "Let one more phone or softphone sign in."),
    "users passwd": ("users_passwd", "Give a user another password."),
    "users remove": ("users_remove", "Take a user away."),
    "users list": ("users_list", "Show who may sign in."),
    "users import": ("users_import", "Take many users from a file."),
    "location show": ("location_show", "Show what is kept of where somebody is."),
    "location forget": ("location_forget", "Forget where somebody is."),
    "connectors list": ("connectors_list", "Show what kinds of source there are."),
    "connectors show": ("connectors_show", "Show what a connector does, and its settings."),
    "connectors try": ("connectors_try", "Show the facts that a source's request would become."),
    "tokens create": ("tokens_create", "Make a token that lets a source hand in requests."),
    "tokens list": ("tokens_list", "Show which tokens there are."),
    "tokens revoke": ("tokens_revoke", "Make a token open nothing any more."),
    "devices enroll": ("devices_enroll", "Make a code with which somebody's computer joins."),
    "device enroll": ("device_enroll", "Join this computer to a service."),
    "device run": ("device_run", "Report when this computer is used."),
    "device show": ("device_show", "Show what would be reported of this computer."),
    "phones provision": ("phones_provision", "Write what to put into desk phones so that they report calls."),
    "backup": ("backup", "Copy the database, while the service runs."),
    "restore": ("restore", "Put a copy of the database in its place."),
    "database check": ("database_check", "Check whether the database is whole."),
    "keys create": ("keys_create", "Make the key that secrets are encrypted with."),
    "keys list": ("keys_list", "Show which keys there are and what they encrypt."),
    "keys rotate": ("keys_rotate", "Encrypt every secret with a new key."),
    "keys forget": ("keys_forget", "Drop the secrets whose key is lost."),
    "config check": ("config_check", "Check the settings file and name every problem."),
    "config show": ("config_show", "Show the settings in effect, passwords hidden."),
    "rules check": ("rules_check", "Check a rules file and name every problem."),
    "rules test": ("rules_test", "Run the tests that stand in a rules file."),
    "rules explain": ("rules_explain", "Say which rule decides what, and why."),
    "rules simulate": ("rules_simulate", "Play a day through the rules."),
    "version": ("version", "Show the version and what it runs on."),
}
"Name as typed -> module in this folder, and its line in the help."
GROUPS = {
    "config": "Check and show the settings file.",
    "database": "Look after the database.",
    "device": "Report from this computer when it was last used.",
    "devices": "Let people's computers report when they were last used.",
    "keys": "Keep the keys that linked accounts' secrets are encrypted with.",
    "links": "Show and check linked accounts; alone: list them.",
    "phones": "Prepare desk phones.",
    "rules": "Check, test and understand the rules file.",
    "location": "See and delete what is known of where somebody is.",
    "connectors": "Look at the kinds of source, and try what they send.",
    "tokens": "Keep the tokens that phones, PBXs and webhooks hand in their requests with.",
    "users": "Keep the accounts that phones and softphones sign in with.",
}
LISTING = frozenset({"links"})
"Groups that mean their `list` when nothing else is said."
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 a problem was found, 2 the command line is wrong, "
    "3 a server or source could not be reached, 4 a server refused."
)


class LazyCommand(TyperCommand):
    """Stands for a command in the help; becomes the real one when it is called."""

    def __init__(self, typed: str, module: str, summary: str) -> None:
        super().__init__(typed.rpartition(" ")[2], help=summary)
        self._typed, self._module = typed, module

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.real().make_context(info_name, args, parent, **extra)

    def real(self) -> Any:
        check_origin()
        path = f"agent.cli.{self._module}"
        try:
            function = import_module(path).command
        except ModuleNotFoundError as error:
            if error.name == path:
                raise UserError(f"`lamplighter {self._typed}` is not part of this version") from None
            raise UserError(
                f"`lamplighter {self._typed}` needs the package {error.name}",
                ["pip install 'lamplighter[demo]' brings what the demo starts"],
            ) from None
        app = typer.Typer(add_completion=False)
        app.command(self.name, epilog=EXIT_CODES)(function)
        return typer.main.get_command(app)


class LazyGroup(TyperGroup):
    """A group whose members come from `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_members(self.prefix))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _members(self.prefix).get(cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """`links` alone, or with what is no command of it, is `links list`."""
        if self.prefix in LISTING and (
            not args or (args[0] not in _members(self.prefix) and args[0] != "--help")
        ):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    prefix = ""


def _members(prefix: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for typed, (module, summary) in COMMANDS.items():
        group, _, name = typed.rpartition(" ")
        if group == prefix:
            members[name] = LazyCommand(typed, module, summary)
        elif not prefix and group not in members:
            members[group] = LazyGroup(
                name=group, help=GROUPS[group], no_args_is_help=True, epilog=EXIT_CODES
            )
            members[group].prefix = group
    return members


def build() -> LazyGroup:
    """The whole command tree."""
    return LazyGroup(
        name="lamplighter",
        help="Lights an organisation's busy lamps by itself: calendars, phones and places become SIP presence.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code. No traceback unless LAMPLIGHTER_DEBUG is set."""
    try:
        try:
            build()(args=arguments, prog_name="lamplighter")
        finally:
            sys.stdout.flush()  # here, where a reader that has gone is no surprise
    except SystemExit:
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the exit would complain again
        sys.exit(EXIT_PROBLEM)
    except Exception as error:
        if os.environ.get("LAMPLIGHTER_DEBUG"):
            raise
        told = for_people(error)
        print(
            f"lamplighter: {told.message}",
            *(f"  {line}" for line in told.problems),
            sep="\n",
            file=sys.stderr,
        )
        sys.exit(told.exit_code)
    sys.exit(0)


def for_people(error: Exception) -> UserError:
    """Any error as one message and its problems."""
    if isinstance(error, UserError):
        return error
    problems = getattr(error, "problems", None)
    if isinstance(problems, tuple) and problems:
        return UserError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} found", problems)
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return UserError(f"{name}{error.strerror.lower()}")
    return UserError(
        f"an error that should not happen: {type(error).__name__}: {error}",
        ["LAMPLIGHTER_DEBUG=1 shows where; please report it with that"],
    )
