"""Where a stream comes from, as it is written on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ecgedge_bridge.errors import ConfigError

__all__ = ["STDIN", "Address", "is_wire"]

STDIN = "-"
_SCHEMES = ("serial", "tcp", "lsl")
_BAUD = 115_200
# The fastest that USB bridges are sold for is 12 million.
_MOST_BAUD = 20_000_000
_LONGEST = 4096  # of any path that Linux knows


def is_wire(text: str) -> bool:
    """Whether a source is no Bluetooth device.

    Examples
    --------
    >>> [is_wire(text) for text in ("-", "serial:/dev/ttyUSB0", "Polar H10", "A0:9E:1A:00:00:01")]
    [True, True, False, False]
    """
    return text == STDIN or (text.partition(":")[0].lower() in _SCHEMES and ":" in text)


@dataclass(frozen=True, slots=True)
class Address:
    """A source, taken apart.

    Parameters
    ----------
    text : str
        As it was written.
    scheme : str
        ``serial``, ``tcp``, ``lsl`` or ``-``.
    place : str
        Port of the machine, host, or name of the stream.
    port : int
        Of TCP.
    baud : int
        Of a serial port.
    """

    text: str
    scheme: str
    place: str = ""
    port: int = 0
    baud: int = _BAUD

    @property
    def name(self) -> str:
        """What values carry as the name of their device."""
        return "standard input" if self.scheme == STDIN else self.text

    @classmethod
    def parse(cls, text: str) -> Address:
        """Take a source apart.

        Raises
        ------
        ConfigError
            It lacks a part, or a part cannot be.

        Examples
        --------
        >>> Address.parse("serial:/dev/ttyUSB0?baud=9600").baud
        9600
        >>> one = Address.parse("tcp:[::1]:9000")
        >>> one.place, one.port
        ('::1', 9000)
        """
        if text == STDIN:
            return cls(text, STDIN)
        scheme, _, rest = text.partition(":")
        scheme = scheme.lower()
        if scheme not in _SCHEMES or "\0" in rest or len(rest) > _LONGEST:
            raise ConfigError("the source cannot be read: give serial:PORT, tcp:HOST:PORT, lsl:NAME or -")
        if scheme == "lsl":
            return cls(text, scheme, _stream_name(rest))
        return _serial(text, rest) if scheme == "serial" else _tcp(text, rest)


def _serial(text: str, rest: str) -> Address:
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    baud = options.pop("baud", str(_BAUD))
    if not path or options or not re.fullmatch(r"\d{1,8}", baud, re.ASCII) or not 0 < int(baud) <= _MOST_BAUD:
        raise ConfigError(
            "a serial port is written serial:/dev/ttyUSB0, or serial:/dev/ttyUSB0?baud=9600: correct it"
        )
    return Address(text, "serial", path, baud=int(baud))


def _tcp(text: str, rest: str) -> Address:
    host, _, port = rest.rpartition(":")
    host = host.removeprefix("//")
    bare = host.removeprefix("[").removesuffix("]")
    good = bool(bare) and re.fullmatch(r"\d{1,5}", port, re.ASCII) and 0 < int(port) < 1 << 16
    if not good or (":" in bare and bare == host) or not bare.isprintable() or " " in bare:
        raise ConfigError("a TCP source is written tcp:HOST:PORT, or tcp:[::1]:PORT for IPv6: correct it")
    return Address(text, "tcp", bare, int(port))


def _stream_name(name: str) -> str:
    # liblsl makes an XPath query of it, in which there is no way to write a quote.
    if not name or "'" in name or not name.isprintable():
        raise ConfigError("an LSL stream is written lsl:NAME, without quotes in its name: correct it")
    return name
