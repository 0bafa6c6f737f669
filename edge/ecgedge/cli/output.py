"""What commands write to: the terminal, JSON lines, files."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgedge.sinks.plain import plain  # all else is imported when it is needed: --help is fast

if TYPE_CHECKING:
    from ecgedge.cli.options import SendOptions
    from ecgedge.sinks.about import About
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.lines import JsonLines, TextLines
    from ecgedge.sinks.sink import Sink
    from ecgedge.stream.stats import MonitorStats

__all__ = [
    "FILE_PATIENCE_S",
    "apart",
    "guard_streams",
    "open_lines",
    "open_outlets",
    "open_savers",
    "open_terminal",
    "print_ending",
    "print_json",
    "say",
    "shows_a_view",
    "warn",
]


def say(text: str = "") -> None:
    """Print one line, at once, with foreign text in it made safe."""
    print(plain(text), flush=True)


def warn(text: str) -> None:
    """Print one line on stderr, which stays out of what programs read."""
    print(f"ecgedge: {plain(text)}", file=sys.stderr, flush=True)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON line, at once."""
    from ecgedge.sinks.lines import json_line

    print(json_line(value), end="", flush=True)


def print_ending(ending: Ending, stats: MonitorStats, as_json: bool, wearable: str | None = None) -> None:
    """Print what a run came to; nothing where no signal came."""
    from ecgedge.sinks.ending import summary_lines

    if as_json:
        print(ending.line(stats, wearable), end="", flush=True)
        return
    if not stats.samples:
        return
    if wearable is not None:
        say()
        say(wearable)
    say(
        f"     end  {stats.windows} windows: {stats.rejected} rejected as noise, "
        f"{stats.model_runs} model runs; {stats.samples} samples, {stats.lost} missing"
    )
    say()
    for line in summary_lines(ending.summary()):
        say(line)
    say("Not a medical device.")


class _SafeErrors(io.TextIOWrapper):
    """stderr on which not even a traceback, a warning or a log line has anything that a terminal obeys."""

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            ends = line.endswith("\n")
            super().write(plain(line.removesuffix("\n")) + "\n" * ends)
        return len(text)


def guard_streams() -> None:
    """Make stderr safe, and let no character that the terminal's encoding lacks end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper) and not isinstance(sys.stderr, _SafeErrors):
        sys.stderr = _SafeErrors(
            sys.stderr.detach(), encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True
        )


def open_lines(as_json: bool, wearable: str | None = None) -> JsonLines | TextLines:
    """Choose between JSON and words; each line names the wearable, where there are several."""
    from ecgedge.sinks.lines import JsonLines, TextLines

    return JsonLines(sys.stdout, wearable=wearable) if as_json else TextLines(sys.stdout, wearable)


def apart(shown: Sink, rest_s: float = 0.0) -> Sink:
    """Show what a live command shows in a thread of its own: where it stands still, the stream goes on.

    ``rest_s`` is how long the thread rests after each showing; see ``Queued``.
    """
    from ecgedge.sinks.queued import Output

    return Output(shown, "output", tell=warn, kinds=(object,), rest_s=rest_s)


def open_terminal(as_json: bool, title: str, hint: str = "") -> Sink:
    """Choose the sink: JSON when asked for, the view on a terminal that can show it, else words."""
    if as_json or not shows_a_view():
        return open_lines(as_json)
    from ecgedge.sinks.screen import Screen

    return Screen(title, hint)


def shows_a_view() -> bool:
    """Whether stdout is a terminal that moves its cursor, draws braille, and may use colour."""
    return (
        sys.stdout.isatty()
        and (sys.stdout.encoding or "").lower().startswith("utf")
        and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
        # The view tells beats and verdicts apart by colour: https://no-color.org
        and not os.environ.get("NO_COLOR")
    )


def open_savers(
    targets: Iterable[str] | None,
    *,
    force: bool = False,
    source: Path | None = None,
    about: About | None = None,
) -> list[Sink]:
    """Open what ``--save`` names.

    Parameters
    ----------
    targets : iterable of str, optional
        The files.
    force : bool
        Whether a file that is there already may be replaced.
    source : Path, optional
        What is read meanwhile, which is never replaced.
    about : About, optional
        What is known of the stream, and what of it is wanted.

    Raises
    ------
    ConfigError
        If one cannot be written, is there already, or is the source.
    """
    from ecgedge.sinks.about import NOTHING_KNOWN
    from ecgedge.sinks.registry import open_saver

    options: dict[str, Any] = {"force": force, "source": source, "about": about or NOTHING_KNOWN}

    with ExitStack() as opened:
        savers = [opened.enter_context(closing(open_saver(one, **options))) for one in targets or ()]
        opened.pop_all()
        return savers


# A recording can wait for a receiver that gets on; one that is stuck costs no more than this.
FILE_PATIENCE_S = 5.0


def open_outlets(options: SendOptions, device: str, *, live: bool = True) -> list[Sink]:
    """Open what ``--send`` names.

    Parameters
    ----------
    options : SendOptions
    device : str
        What the stream comes from, in the user's words.
    live : bool
        Whether nothing may wait for a receiver.

    Raises
    ------
    ConfigError
        If one cannot be opened.
    """
    from ecgedge.sinks.registry import open_outlet

    patience_s = 0.0 if live else FILE_PATIENCE_S
    with ExitStack() as opened:
        outlets: list[Sink] = [
            opened.enter_context(closing(open_outlet(one, device=device, tell=warn, patience_s=patience_s)))
            for one in options.send or ()
        ]
        opened.pop_all()
        return outlets
