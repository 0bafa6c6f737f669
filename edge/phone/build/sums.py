"""What is in the app: digests of its files, for ``sha256sum -c``, ``ecgedge phone``, the service worker."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import archive

SUMS, LIST = "SHA256SUMS", "files.js"
# Already compressed, or too short to gain anything.
NOT_COMPRESSED = {archive.SUFFIX, ".zip", ".png", ".gz"}
SHORTEST = 1000
SAVES = 0.9
HEAD = """\
// Written by the build: all files of the app, and a version that is theirs together.
"""


def add(folder: Path) -> str:
    """Write the list of files, compressed twins for servers that hand them out, and the sums; the version."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in files
    ]
    version = hashlib.sha256(
        "".join(f"{one['sha256']}  {one['path']}\n" for one in listed).encode()
    ).hexdigest()[:16]
    lines = "".join(f"  {json.dumps(one)},\n" for one in listed)
    text = f'{HEAD}export const VERSION = "{version}";\nexport const FILES = [\n{lines}];\n'
    (folder / LIST).write_text(text)
    for path in [*files, folder / LIST]:
        _twin(path)
    everything = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in everything
    ]
    (folder / SUMS).write_text("".join(rows))
    return version


def _twin(path: Path) -> None:
    data = path.read_bytes()
    if path.suffix in NOT_COMPRESSED or len(data) < SHORTEST:
        return
    packed = archive.compressed(data)
    if len(packed) < SAVES * len(data):
        path.with_name(f"{path.name}.gz").write_bytes(packed)
