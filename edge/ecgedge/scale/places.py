"""Where recordings are: files, folders, patterns, and addresses that fsspec opens."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ecgedge.recording.listing import recordings_among
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError

__all__ = ["Input", "filesystem", "find_inputs", "is_remote", "shown", "state_of"]

_PATTERN = re.compile(r"[*?\[]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
# Parameters of signed addresses. They open the file for whoever reads them, and change each time.
_SECRET = re.compile(
    r"sign|token|credential|secret|password|passwd|expire|^sig$|key|^x-(amz|goog)-|^se$|^sv$", re.I
)
# What speaks to a server; each fails after that much silence, instead of waiting for ever.
_SILENCE_S = 60


@dataclass(frozen=True, slots=True)
class Input:
    """A recording.

    Parameters
    ----------
    path : str
        What opens it: an absolute path or an address.
    size : int
        Bytes, for the progress alone; 0 where the listing did not say.
    """

    path: str
    size: int = 0

    @property
    def name(self) -> str:
        """What results call it: printable, and without what would open it for others."""
        return shown(self.path)

    @property
    def stem(self) -> str:
        """Name of its part files and of its receipt, without ending.

        Examples
        --------
        >>> Input("/data/study 1/a.csv").stem
        'a.csv-42c377b0233ee85a'
        """
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", self.name.rstrip("/").rpartition("/")[2])[:60]
        # What reads a folder of Parquet files passes over names that begin with one of these.
        return f"{readable.lstrip('._')}-{sha256(self.name.encode()).hexdigest()[:16]}"


def is_remote(path: str) -> bool:
    """Whether a path is an address."""
    return _SCHEME.match(path) is not None


def shown(path: str) -> str:
    """Return a path or an address as it may be stored and shown.

    Examples
    --------
    >>> shown("https://me:secret@host/a.csv?id=7&X-Amz-Signature=abc")
    'https://host/a.csv?id=7'
    """
    if not is_remote(path):
        return _printable(path)
    if path.lower().startswith(("http://", "https://")):
        scheme, host, place, query, _ = urlsplit(path)
        kept = [one for one in query.split("&") if one and not _SECRET.search(one.partition("=")[0])]
        return _printable(urlunsplit((scheme, host.rpartition("@")[2], place, "&".join(kept), "")))
    return _printable(re.sub(r"^([^/]+//)[^/@]*@", r"\1", path))


def _printable(text: str) -> str:
    # A name of bytes that are no UTF-8 has halves of surrogate pairs, which no table takes.
    return text if text.isprintable() else plain(text)


def find_inputs(given: Iterable[str], out: Path) -> list[Input]:
    """Find the recordings that are meant, each once, in a fixed order; what is below ``out`` is none.

    Raises
    ------
    ConfigError
        A folder holds no recording, a pattern fits none, or an address cannot be listed.
    """
    found: dict[str, Input] = {}
    inside = f"{_absolute(out)}{os.sep}"
    for text in given:
        for one in _remote(text) if is_remote(text) else _local(text):
            if not one.path.startswith(inside):
                found.setdefault(one.name, one)
    return list(found.values())


def _local(text: str) -> Iterator[Input]:
    path = _absolute(Path(text).expanduser())
    if path.is_dir():
        names = sorted(f"{folder}/{name}" for folder, _, files in os.walk(path) for name in files)
        yield from _some(map(_listed, recordings_among(names)), f"there is no recording in {shown(text)}")
    elif not path.exists() and _PATTERN.search(text):
        # By the module, which takes an absolute pattern.
        names = sorted(name for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
        yield from _some(map(_listed, recordings_among(names)), f"nothing fits {shown(text)}")
    else:
        yield _listed(str(path))


def _absolute(path: Path) -> Path:
    """Spell a path in one way, so that another run calls the recording the same."""
    return Path(os.path.normpath(path.absolute()))


def _listed(path: str) -> Input:
    try:
        return Input(path, Path(path).stat().st_size)
    except OSError:  # its task says why
        return Input(path)


def _some(inputs: Iterable[Input], problem: str) -> Iterator[Input]:
    one = None
    for one in inputs:
        yield one
    if one is None:
        raise ConfigError(f"{problem}: check the path")


def _remote(address: str) -> Iterator[Input]:
    """List an address: itself, what a pattern fits, or a folder of an object store."""
    if address.lower().startswith(("http://", "https://")):  # has no folders, and ? begins its query
        yield Input(address)
        return
    with _listing(address):
        files, path = filesystem(address)
        if _PATTERN.search(path):
            entries = files.glob(path, detail=True)
        elif files.isdir(path):
            entries = files.find(path, detail=True)
        else:
            yield Input(address)
            return
    sizes = {name: one.get("size") or 0 for name, one in entries.items() if one.get("type") == "file"}
    names = recordings_among(sorted(sizes))
    yield from _some(
        (Input(files.unstrip_protocol(name), sizes[name]) for name in names),
        f"there is no recording in {shown(address)}",
    )


@contextmanager
def _listing(address: str) -> Iterator[None]:
    """Turn whatever a store's library raises into ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        why = plain(str(error).replace(address, shown(address)) or type(error).__name__)
        raise ConfigError(
            f"cannot list {shown(address)}: {why}: check the address and your credentials"
        ) from None


def filesystem(address: str) -> tuple[Any, str]:
    """Return the filesystem of fsspec that opens an address, and the path in it.

    Raises
    ------
    ConfigError
        There is no such scheme, or what speaks it is not installed.
    """
    core = library("fsspec.core", "scale")
    scheme = address.partition("://")[0].lower()
    if "::" in address:
        raise ConfigError(f"{shown(address)[:80]} is a chain of addresses: give the address of one file")
    options: dict[str, Any] = {}
    if scheme in ("http", "https"):
        timeout = library("aiohttp", "scale").ClientTimeout(
            total=None, sock_connect=_SILENCE_S, sock_read=_SILENCE_S
        )
        options = {"client_kwargs": {"timeout": timeout}, "use_listings_cache": False}
    try:
        files, path = core.url_to_fs(address, **options)
    except ImportError as error:
        raise ConfigError(
            f"{scheme}:// takes a library ({plain(str(error))}): install it with pip"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{shown(address)[:80]}: {plain(str(error))}: use a path, s3:// or https://"
        ) from error
    return files, path


def state_of(path: str) -> str:
    """Return what changes with a file's content: size and time of change, or a store's tag; "" if unknown.

    Raises
    ------
    OSError
        There is no such file, or it cannot be asked.
    """
    if not is_remote(path):
        found = Path(path).stat()
        return f"{found.st_size} {found.st_mtime_ns}"
    files, name = filesystem(path)
    said = files.info(name)
    tag = said.get("ETag") or said.get("etag") or said.get("md5Hash") or said.get("Content-MD5")
    if tag:
        return f"{said.get('size')} {tag}"
    changed = said.get("LastModified") or said.get("Last-Modified") or said.get("mtime")
    return f"{said.get('size')} {changed}" if changed else ""
