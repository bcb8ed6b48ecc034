"""Errors meant for people: what is wrong, everything at once, and never a traceback."""

from collections.abc import Iterable

EXIT_OK = 0
EXIT_PROBLEM = 1
"Something is wrong with what was given or found: a file, a rule, a test that failed."
EXIT_USAGE = 2
"The command line itself is wrong."
EXIT_UNREACHABLE = 3
"A server or a calendar could not be reached."
EXIT_REFUSED = 4
"A server was reached and refused."


class UserError(Exception):
    """Shown as one message and its list of problems; the command ends with ``exit_code``.

    ``problems`` are complete lines for the reader, such as ``rules.yaml:3:5: unknown key 'wen'``.
    """

    def __init__(self, message: str, problems: Iterable[object] = (), exit_code: int = EXIT_PROBLEM) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(str(problem) for problem in problems)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return "\n".join((self.message, *(f"  {problem}" for problem in self.problems)))
