"""The command line. ``main`` is the console script; every command imports what it needs when it runs."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 done, 1 an error that the message explains, 2 a mistyped command."""
    from ecgedge.cli.app import run

    run()
