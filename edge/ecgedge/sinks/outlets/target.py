"""What ``--send`` names: ``SCHEME:REST?KEY=VALUE``, or a file whose ending says what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from ecgedge.sinks.queued import Tell
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import Place, build

__all__ = ["LOOPBACK", "NoOptions", "Opening", "Target", "host_and_port"]

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def host_and_port(text: str, option: str) -> tuple[str, int]:
    """Return host and port of ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; without a host this machine alone.

    Raises
    ------
    ConfigError
        It is none of these.

    Examples
    --------
    >>> host_and_port("8350", "--web-at"), host_and_port("[::]:8350", "--web-at")
    (('127.0.0.1', 8350), ('::', 8350))
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not int(port) < 1 << 16:
        raise ConfigError(f"{option}: give PORT or HOST:PORT")
    return host or LOOPBACK[0], int(port)


@dataclass(frozen=True, slots=True)
class Opening:
    """What an outlet is told when it is opened.

    Parameters
    ----------
    device : str
        What the stream comes from, in the user's words.
    tell : callable
        Takes a sentence for the user.
    """

    device: str
    tell: Tell


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a scheme that has none."""


@dataclass(frozen=True, slots=True)
class Target:
    """One ``--send``, taken apart; its text is never shown, because it may hold a password.

    Parameters
    ----------
    scheme : str
        In lower case.
    rest : str
        What stands between the scheme and the options.
    options : mapping of str
        What stands behind the question mark.
    """

    scheme: str
    rest: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Target:
        """Take a target apart.

        Raises
        ------
        ConfigError
            It has no scheme, or an option without a value.

        Examples
        --------
        >>> Target.parse("night.jsonl?keep=3")
        Target(scheme='jsonl', rest='night.jsonl', options={'keep': '3'})
        >>> Target.parse("mqtt://me:secret@pi:1883/ward").name
        'mqtt://pi:1883/ward'
        """
        body, _, query = text.partition("?")
        scheme, colon, rest = body.partition(":")
        if body.lower().endswith(".jsonl") and scheme.lower() != "jsonl":
            scheme, rest = "jsonl", body
        elif not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+]*", scheme):
            raise ConfigError(
                "--send names no scheme: give mqtt://HOST, tcp:PORT, or FILE.jsonl, for example"
            )
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError:
            raise ConfigError(
                f"--send {scheme.lower()}: options are ?KEY=VALUE&KEY=VALUE: correct it"
            ) from None
        return cls(scheme.lower(), rest, dict(pairs))

    @property
    def name(self) -> str:
        """What may be shown of it: neither options nor who logs in."""
        # As far as the last @: a password may hold one, and a slash too.
        return f"{self.scheme}:{re.sub(r'^//.*@', '//', self.rest)}" if self.scheme != "jsonl" else self.rest

    def decoded(self, cls: type[T]) -> T:
        """Make a dataclass of the options; unknown ones are refused with the nearest name."""
        return build(cls, dict(self.options), Place(f"--send {self.scheme}"))

    def address(self) -> tuple[str, int]:
        """Return host and port of ``PORT`` or ``HOST:PORT``; without a host this machine alone."""
        try:
            return host_and_port(self.rest.lstrip("/"), f"--send {self.scheme}")
        except ConfigError:
            raise ConfigError(
                f"--send {self.name}: give {self.scheme}:PORT or {self.scheme}:HOST:PORT"
            ) from None

    def told_of_readers(self, opening: Opening, host: str) -> None:
        """Tell the user where anybody who reaches this machine can read what is sent."""
        if host not in LOOPBACK:
            opening.tell(f"{self.name}: whoever reaches this machine can read it: 127.0.0.1 keeps it here")
