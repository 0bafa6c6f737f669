"""Passwords: from a file or from the environment, so that no list of processes shows them."""

from __future__ import annotations

import os
from urllib.parse import unquote

from ecgedge.sinks.saving import expanded
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text

__all__ = ["Login", "login"]

_MOST_BYTES = 4096  # a password, not a document


class Login:
    """Who logs in, and with what; its text never shows the password.

    Parameters
    ----------
    user : str or None
    password : str or None

    Examples
    --------
    >>> Login("me", "secret")
    Login(user='me')
    """

    __slots__ = ("password", "user")

    def __init__(self, user: str | None, password: str | None) -> None:
        self.user, self.password = user, password

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"


def login(given: str, password_file: str | None, variable: str) -> Login:
    """Find a password.

    Parameters
    ----------
    given : str
        ``user`` or ``user:password`` of a URL, quoted as there; empty where it has none.
    password_file : str, optional
        A file that holds it alone; before anything else.
    variable : str
        The environment's variable that may hold it; before one in the URL.

    Raises
    ------
    ConfigError
        The file cannot be read, or there is a password and nobody to use it.

    Examples
    --------
    >>> login("me", None, "NO_SUCH_VARIABLE").user
    'me'
    """
    user, colon, in_url = (unquote(part) for part in given.partition(":"))
    password = in_url if colon else None
    password = os.environ.get(variable) or password
    if password_file is not None:
        try:
            password = read_text(expanded(password_file), _MOST_BYTES).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not a text"
            raise ConfigError(f"password file {password_file}: {why}: check the path") from error
    if password and not user:
        raise ConfigError("there is a password, and nobody to use it: name the user as mqtt://USER@HOST")
    return Login(user or None, password)
