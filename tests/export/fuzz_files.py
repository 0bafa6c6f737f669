"""Broken, lying and oversized archives, recipes, manifests and tables through the exporter's readers.

Run ``python tests/export/fuzz_files.py --count 20000``; the tests run a share of it. Whatever comes, a reader
returns or raises the package's own error, and writes nothing outside of its folder. Ends with status 1 where
it does not.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tarfile
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_export import recipe
from ecgedge_export.archives import Limits, npz, unpack_tar, unpack_zip
from ecgedge_export.recipe import OwnData
from ecgedge_export.rhythm.own_data import read_table

LIMITS = Limits(20, 100_000)
NAMES = (
    "a",
    "a/b",
    "../x",
    "/x",
    "a\\b",
    "c:x",
    "..",
    ".",
    "",
    "a/../../x",
    "\u202e",
    "a" * 300,
    "a\nb",
    "a\0b",
)
WORDS = (
    "9" * 400,
    "-1",
    "1e400",
    "nan",
    "[" * 200,
    "{}",
    "null",
    '"',
    "\\u0000",
    "fs",
    "\x1b[2J",
    "=",
    "true",
)


def _zip(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for _ in range(rng.randint(0, 30)):
            info = zipfile.ZipInfo(rng.choice(NAMES[:-1]) or "e")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # zipfile's own, about a name that is there twice
                archive.writestr(info, bytes(rng.choice([0, 10, 50_000, 200_000])))
    return out.getvalue()


def _tar(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=rng.choice(["w", "w:gz", "w:xz", "w:bz2"])) as archive:
        for _ in range(rng.randint(0, 30)):
            info = tarfile.TarInfo(rng.choice(NAMES[:-1]))
            info.type = rng.choice([tarfile.REGTYPE] * 4 + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                                           tarfile.FIFOTYPE, tarfile.DIRTYPE])  # fmt: skip
            info.linkname = rng.choice(["/etc/passwd", "../..", "a"])
            info.size = rng.choice([0, 10, 50_000, 200_000]) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
    return out.getvalue()


def _recipe(rng: random.Random) -> bytes:
    return rng.choice(sorted(recipe.RECIPES.glob("*.toml"))).read_bytes()


def _manifest(rng: random.Random) -> bytes:
    raw = json.loads((BUNDLED / rng.choice(["rhythm", "gate"]) / "manifest.json").read_bytes())
    raw.pop("digest")
    return json.dumps(raw).encode()


def _table(_: random.Random) -> bytes:
    return b"file,label,patient,start_s,end_s\na.csv,afib,p1,0,10\nb.csv,sinus,p2,,\n"


def _read_recipe(path: Path, _: Path) -> object:
    return recipe.load(path)


def _read_manifest(path: Path, _: Path) -> object:
    return Manifest.from_json(path.read_bytes())


def _read_table(path: Path, _: Path) -> object:
    return read_table(path, OwnData("."), ("afib", "sinus"), lambda _: None)


def _read_npz(path: Path, _: Path) -> object:
    with npz(path, "make it again") as arrays:
        return [arrays[name] for name in arrays.files]


SUBJECTS: dict[str, tuple[Callable[[random.Random], bytes], Callable[[Path, Path], object]]] = {
    "zip": (_zip, lambda path, folder: unpack_zip(path, folder, LIMITS)),
    "tar": (_tar, lambda path, folder: unpack_tar(path, folder, LIMITS)),
    "npz": (_zip, _read_npz),
    "recipe": (_recipe, _read_recipe),
    "manifest": (_manifest, _read_manifest),
    "table": (_table, _read_table),
}


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut, put twice, or a hostile word in between."""
    changed = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 3, 20])):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + rng.choice([1, 10, len(changed)])]
        elif kind == 2:
            changed[at:at] = changed[max(0, at - 50) : at]
        else:
            changed[at:at] = rng.choice(WORDS).encode("utf-8", "surrogatepass")
    return bytes(changed)


def outcome(call: Callable[[], object], number: str) -> str:
    """Whether a call returned or refused its input; anything else is a fault."""
    try:
        call()
    except EcgEdgeError:
        return "refused"
    except Exception as error:
        raise AssertionError(f"{number}: {traceback.format_exc()}") from error
    return "taken"


def fuzz(name: str, count: int, seed: int = 0) -> Counter[str]:
    """Give a reader ``count`` inputs; returns how often each outcome came.

    Raises
    ------
    AssertionError
        A reader raised something else, in several lines, or wrote outside of its folder or beyond the limits.
    """
    make, read = SUBJECTS[name]
    rng, outcomes = random.Random(f"{name} {seed}"), Counter[str]()
    for number in range(count):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            folder = place / "into"
            folder.mkdir()
            (place / "input").write_bytes(mutated(make(rng), rng))
            outcomes[outcome(partial(read, place / "input", folder), f"{name} {number}")] += 1
            files = [path for path in folder.rglob("*") if not path.is_dir()]
            assert {path.name for path in place.iterdir()} == {"into", "input"}, f"{name} {number}: escaped"
            assert all(path.is_file() and not path.is_symlink() for path in files), f"{name} {number}"
            assert sum(path.stat().st_size for path in files) <= LIMITS.n_bytes, f"{name} {number}: too much"
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="inputs for each reader")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in SUBJECTS:
        outcomes = fuzz(name, given.count, given.seed)
        sys.stdout.write(f"{name:9} {', '.join(f'{n} {what}' for what, n in sorted(outcomes.items()))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
