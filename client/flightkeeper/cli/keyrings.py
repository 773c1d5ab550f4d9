"""Passwords that the system's keyring keeps, such as macOS' Keychain or the Secret Service.

Owns under which name a password is kept there. The library is an extra, loaded for those who ask.
"""

from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.client.options import Options


def entry(options: Options) -> str:
    """The name under which the passwords of a service's users are kept: its URL, as it was given.

    Without the user, by whom an entry is divided, and without what follows the `?`: that says how
    to reach the nodes, and whoever may log in is the same.
    """
    return options.url.partition("?")[0]


def kept(name: str, user: str) -> str | None:
    """The password of a user under a name, or None if none is kept.

    Raises:
        typer.Exit: with 2 where the library is not installed, and with 1 when the keyring did not
            answer, such as for being locked.
    """
    try:
        import keyring  # noqa: PLC0415  an extra has it
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        fail(
            f"--keyring needs {exc.name}: install it with pip install 'flightkeeper[keyring]';"
            " nothing was tried",
            USAGE,
        )
    try:
        return keyring.get_password(name, user)
    except KeyringError as exc:
        fail(f"the keyring did not answer: {exc}; nothing was tried", FAILED)
