"""Download a release file by file: resumed where it stopped, and nothing kept that fails its checksum."""

from __future__ import annotations

import errno
import http.client
import shutil
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import publish
from ecgedge_export.archives import Limits
from ecgedge_export.data.checksums import SUMS, parse_sums, sha256, wanted
from ecgedge_export.data.dataset import Dataset

PHYSIONET = "https://physionet.org/files"
# Pauses of 1, 2 and 4 s between the tries; after that the user starts again, and it goes on where it was.
TRIES = 4
_FIRST_WAIT_S = 1.0
_TIMEOUT_S = 60.0  # without a byte
_BLOCK = 1 << 18  # bytes between two looks at Ctrl-C and at the progress
_WORKERS = 4  # most files are small, so that the round trips take the time; more would be rude to the server
# The longest list, that of Icentia11k with 1.1 TB, has 60 MB.
_MOST_LIST_BYTES = 256 << 20
_RESERVE = 64 << 20  # bytes that stay free on the disk
_NETWORK = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
# Another try changes nothing: the request itself is wrong, or the file is not there for us.
_FINAL_STATUS = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: files done and in all, and bytes received by this run."""

    files: int
    of_files: int
    n_bytes: int


Log = Callable[[Progress], None]


def fetch(
    dataset: Dataset,
    root: Path,
    *,
    only: Sequence[str] = (),
    mirror: str = PHYSIONET,
    log: Log | None = None,
    first_wait_s: float = _FIRST_WAIT_S,
) -> Path:
    """Download what the adapter needs of a release, and check every file; run it again to go on.

    Parameters
    ----------
    dataset : Dataset
        What to download.
    root : Path
        A data root; the files go to the folder in it that has the data set's name.
    only : sequence of str
        Shell patterns of paths in the release, in place of those that the adapter needs.
    mirror : str
        Address below which ``release/path`` lies.
    say : callable, optional
        Called with a :class:`Progress` after every block and file, from one thread at a time.
    first_wait_s : float
        Pause before the second try of a file, doubled before each further one.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        No network, no such release, no file that matches, a full disk, or a file that is not what the
        release's checksum says.
    """
    whole = root / dataset.name
    # Under its own name a data set is complete: what is half there would be taken for all there is.
    folder = whole if whole.is_dir() else whole.with_name(f"{whole.name}.partial")
    run = _Run(f"{mirror.rstrip('/')}/{dataset.release}", folder, log, first_wait_s, dataset.limits)
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        listed = run.listed()
    except OSError as error:
        raise _disk_error(error, run.folder) from error
    files = wanted(listed, only or dataset.files)
    if not files:
        raise ConfigError(f"no file of {dataset.name} matches {', '.join(only)}: see {dataset.page}")
    run.all(files)
    return folder.rename(whole)


class _Run:
    """One download: where from, where to, and how far it is."""

    def __init__(self, base: str, folder: Path, log: Log | None, first_wait_s: float, limits: Limits) -> None:
        self.base, self.folder = base, folder
        self._say, self._first_wait_s = log, first_wait_s
        self._most = limits
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._files = self._of_files = self._bytes = 0

    def listed(self) -> dict[str, str]:
        """Get the release's list of checksums: always anew, since it is what decides."""
        part = self.folder / f"{SUMS}.part"
        part.unlink(missing_ok=True)
        self._persist(SUMS, part, _MOST_LIST_BYTES)
        try:
            sums = parse_sums(part.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._base_name(SUMS)} is no text: try another --mirror") from error
        if len(sums) > self._most.files:
            raise ConfigError(
                f"{self._base_name(SUMS)} lists {len(sums)} files, more than {self._most.files}, which the "
                "data set never has: try another --mirror"
            )
        publish(part, self.folder / SUMS)
        return sums

    def _base_name(self, name: str) -> str:
        return f"{self.base}/{name}"

    def all(self, files: dict[str, str]) -> None:
        """Get every file; the first error ends the others too."""
        self._of_files = len(files)
        with ThreadPoolExecutor(_WORKERS) as pool:
            jobs = [pool.submit(self._one, name, digest) for name, digest in files.items()]
            try:
                done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
                _raise_first(done)
            finally:  # also on Ctrl-C
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, name: str, digest: str) -> None:
        target = self.folder / name
        try:
            if not (target.is_file() and sha256(target) == digest):
                self._get(name, digest, target)
        except OSError as error:
            raise _disk_error(error, target) from error
        self._count(files=1)

    def _get(self, name: str, digest: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        for _ in range(2):  # what an earlier run left may be of another release: once more from the start
            self._persist(name, part, self._most.n_bytes)
            if sha256(part) == digest:
                publish(part, target)
                return
            part.unlink()
        raise ConfigError(
            f"{self.base}/{name} is not the file that {SUMS} lists: try again later or with another --mirror"
        )

    def _persist(self, name: str, part: Path, most: int) -> None:
        """Download to ``part``, going on from what is there after every failure; ``most`` bytes at most."""
        url = f"{self.base}/{urllib.parse.quote(name)}"
        for attempt in range(TRIES):
            try:
                return self._receive(url, part, most)
            except _NETWORK as error:
                if attempt == TRIES - 1 or getattr(error, "code", None) in _FINAL_STATUS:
                    raise _network_error(error, url) from error
                self._stop.wait(self._first_wait_s * 2**attempt)
        raise AssertionError("the last try returns or raises")

    def _receive(self, url: str, part: Path, most: int) -> None:
        have = part.stat().st_size if part.is_file() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            reply = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # nothing after what we have: the checksum decides whether that is the file
                return
            raise
        with reply, part.open("ab" if reply.status == 206 else "wb") as file:
            expected = int(reply.headers.get("Content-Length") or 0)
            _check_space(part, expected)
            received = self._copy(reply, file.write, most - (have if reply.status == 206 else 0), url)
        if received < expected:
            raise http.client.IncompleteRead(b"", expected - received)

    def _copy(
        self, reply: http.client.HTTPResponse, write: Callable[[bytes], int], room: int, url: str
    ) -> int:
        received = 0
        while block := reply.read(_BLOCK):
            if self._stop.is_set():
                raise ConfigError("the download was stopped: run the same command to go on")
            received += len(block)
            self._count(n_bytes=len(block))
            # All files together too: a list may name thousands of them.
            if received > room or self._bytes > self._most.n_bytes + _MOST_LIST_BYTES:
                raise ConfigError(f"{url} sends more than the data set has: try another --mirror")
            write(block)
        return received

    def _count(self, files: int = 0, n_bytes: int = 0) -> None:
        with self._lock:
            self._files += files
            self._bytes += n_bytes
            if self._say:
                self._say(Progress(self._files, self._of_files, self._bytes))


def _raise_first(done: set[Future[None]]) -> None:
    for job in done:
        job.result()


def _check_space(part: Path, expected: int) -> None:
    if shutil.disk_usage(part.parent).free < expected + _RESERVE:
        raise OSError(errno.ENOSPC, "No space left on device")


def _disk_error(error: OSError, path: Path) -> ConfigError:
    if error.errno == errno.ENOSPC:
        return ConfigError(
            f"the disk of {path.parent} is full: make room and run the same command to go on, "
            "or choose another place with --to"
        )
    return ConfigError(f"cannot write {path} ({error.strerror}): choose another place with --to")


def _network_error(error: Exception, url: str) -> ConfigError:
    if isinstance(error, urllib.error.HTTPError):
        return ConfigError(
            f"{url} answers {error.code} {error.reason}: see whether the release is there, or use --mirror"
        )
    reason = getattr(error, "reason", None) or error
    return ConfigError(
        f"cannot download {url} ({reason}): check the network and run the same command, it goes on where it "
        "stopped"
    )
