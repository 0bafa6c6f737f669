"""``--config FILE.toml``: options from a file, by the names that they have on the command line.

A key is an option without its dashes (``keep_days`` for ``--keep-days``), or an argument's name. Nothing is
listed here: what there is, and of which type, is asked of the command itself. What stands on the command line
comes before the file.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["Config", "as_toml", "printing"]

_WIDTH = 100


def _key(parameter: Any) -> str:
    """Name of an option in the file."""
    longest = max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.name
    return str(longest).lstrip("-").replace("-", "_")


def _settable(context: typer.Context) -> dict[str, Any]:
    """Parameters of a command by their names in the file."""
    return {_key(one): one for one in context.command.params if one.name not in ("config", "help")}


def _decoder(parameter: Any) -> Callable[[Any, Any], Any]:
    from ecgedge_bridge import schema

    if getattr(parameter, "is_flag", False):
        return schema.as_flag
    return schema.list_of(_word) if getattr(parameter, "multiple", False) else _word


def _word(value: Any, place: Any) -> str:
    """Return a text or a number as on a command line; there the command checks what it may be."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        place.wrong(value, "a text or a number")
    return str(value)


def _read(context: typer.Context, path: Path | None) -> Path | None:
    """Take defaults from the file; ConfigError names what is wrong in it."""
    if path is None:
        return None
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.files import read_text
    from ecgedge_bridge.schema import Place, Table, parse_toml

    place = Place(f"{path.name}:")
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text in UTF-8"
        raise ConfigError(f"{path}: {why}: check the path") from error
    table = Table(parse_toml(text, place), place)
    found = {one.name: table.take(key, _decoder(one), None) for key, one in _settable(context).items()}
    table.finish()
    context.default_map = {name: value for name, value in found.items() if value is not None}
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        is_eager=True,
        callback=_read,
        help="Options from this file; `ecgedge config` shows one. The command line comes before it.",
    ),
]


def as_toml(context: typer.Context) -> str:
    """Return what a command was given, with what each option means; passwords are left out.

    A password in a URL becomes ``***``: what is shown may be sent to others.
    """
    blocks = []
    for key, one in _settable(context).items():
        value = context.params[one.name]
        words = textwrap.wrap(getattr(one, "help", None) or "", _WIDTH)
        if value is None or (isinstance(value, list | tuple) and not value):
            line = f"# {key} ="
        else:
            line = f"{key} = {_toml(value)}"
        blocks.append("\n".join([*(f"# {word}" for word in words), line]))
    return "\n\n".join(blocks)


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    # Everything before the last @: a password may hold one.
    return json.dumps(re.sub(r"(//[^:/@]*):.*@", r"\1:***@", str(value)), ensure_ascii=False)


def printing(command: Callable[..., None], about: str) -> Callable[..., None]:
    """Return a command that takes the same and prints it as a file for ``--config``."""

    @wraps(command)
    def show(context: typer.Context, **_: Any) -> None:
        from ecgedge.cli.output import say

        for line in as_toml(context).splitlines():
            say(line)

    own = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [own, *signature(command).parameters.values()]
    show.__doc__ = about
    show.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    show.__annotations__ = {one.name: one.annotation for one in parameters}
    return show
