"""A data set as one row: what it is, under which terms, where it lies, how it is read and how it is split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge_export.archives import Limits
from ecgedge_export.data import places
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import Split

Reader = Callable[[Sequence[str] | None], Iterator[Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One data set.

    Parameters
    ----------
    name, title, what, use, licence, size, citation : str
        For the reader. The terms on the publisher's page are the ones that count.
    release : str
        Path of the release below ``https://physionet.org/files/``.
    read : callable
        Yields the records with the ids that are wanted, in that order; all of them for None.
    split : Split
        Which record trains, validates or tests.
    folders : tuple of str
        Folder names under which it is looked for, besides its own name.
    archive : str
        Name of a ``.tar.xz`` of the first folder, without suffix; ``name`` where it is empty.
    files : tuple of str
        Patterns of the files that the reader needs.
    """

    name: str
    title: str
    what: str
    use: str
    licence: str
    size: str
    citation: str
    release: str
    read: Reader
    split: Split
    folders: tuple[str, ...]
    archive: str = ""
    files: tuple[str, ...] = ("*",)

    @property
    def page(self) -> str:
        """Address of the page that describes the release."""
        return f"https://physionet.org/content/{self.release}/"

    @property
    def _names(self) -> tuple[str, ...]:
        # The last two are what a recursive download leaves behind.
        return (*self.folders, self.name, self.release, f"physionet.org/files/{self.release}")

    def source(self, records: int, part: str = "") -> Source:
        """Return the entry of a manifest for that many records of it."""
        return Source(f"{self.title}{part}", self.licence, records, self.page)

    @property
    def limits(self) -> Limits:
        """Most files and bytes that a release may have: twice the size in its row, 100 MB at least."""
        amount, unit = self.size.split()
        n_bytes = float(amount) * {"MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
        # The smallest files of all sets, headers, have 100 bytes; a directory entry costs more than that.
        return Limits(200_000 if unit != "TB" else 2_000_000, int(max(2 * n_bytes, 1e8)))

    def located(self) -> Path | None:
        """Folder or archive of the data set, None where it is not at hand; unpacks nothing."""
        return places.locate(self.archive or self.name, *self._names)

    def folder(self) -> Path:
        """Folder of the data set, unpacked if need be.

        Raises
        ------
        ConfigError
            It is not at hand.
        """
        return places.find(self.archive or self.name, *self._names, limits=self.limits)
