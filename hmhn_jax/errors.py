"""What a user can cause, said in one line."""


class UserError(Exception):
    """A wrong file, label, folder or checkpoint.

    The message is one line: what was expected, what came, and which file. `run.py` prints it
    without a traceback and exits with `exit_code`.
    """

    exit_code = 1


class UsageError(UserError):
    """A wrong flag, mode or config value."""

    exit_code = 2
