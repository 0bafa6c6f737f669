"""Broken, lying and oversized files through every reader: archives, recipes, captures, WFDB headers, text.

Run ``python tests/export/fuzz_files.py --count 20000``; the tests run a share of it. Whatever comes, a reader
returns or raises the package's own error, what it returns can be written as JSON, and nothing is written
outside of its folder. Ends with status 1 where it does not.

Half of the captures and profiles are whole in form and wrong in one or two fields; the others, and all else,
have bytes changed, cut or put twice, or hostile words in between.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import struct
import sys
import tarfile
import tempfile
import tomllib
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

import ecgedge
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.artefacts.sealed import digest
from ecgedge_bridge.capture.layout import MAGIC
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_bridge.protocols.described.decoder import make_decoder
from ecgedge_bridge.protocols.described.profile import load_profile
from ecgedge_bridge.protocols.movesense.sensor_data import SENSOR_DATA_NOTIFY, encode_ecg_packet
from ecgedge_bridge.protocols.polar.control import PMD_DATA
from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame
from ecgedge_bridge.values import SampleBlock
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
        for _ in range(rng.choice([0, 1, 2, 5, 30])):
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
    if rng.random() < 0.5:
        inner = rng.choice([key for key, value in raw.items() if isinstance(value, dict)])
        raw[inner] = spoilt(raw[inner], rng)
    schema, raw = raw.pop("schema"), spoilt(raw, rng)
    return json.dumps(raw | {"schema": schema, "digest": digest(raw)}).encode()


def _table(_: random.Random) -> bytes:
    return b"file,label,patient,start_s,end_s\na.csv,afib,p1,0,10\nb.csv,sinus,p2,,\n"


# What a field may hold that its author never thought of; the last of them fit nowhere in JSON or TOML.
WRONG: tuple[Any, ...] = (
    *(True, 0, -1, 1e308, 5e-324, -130.0, 1 << 62, 10**25, "", "x", "\x1b[2J", "\u202e", "9" * 5000),
    *([], [1], ["x"], ["acc"], {}, {"a": 1}, {"x": "y"}, [[[]]], "name = 1", 'name = "x"\nfs = 0'),
    *(None, "\ud800", float("nan"), float("inf")),
)
_NOT_IN_TOML = 4
HEADER: dict[str, Any] = {
    "name": "a",
    "address": "b",
    "profile": "polar",
    "started_unix_s": 1.0,
    "host_time_s": 2.0,
    "extras": ["battery"],
    "fs": None,
    "profile_toml": "",
    "characteristics": {PMD_DATA: ["notify"]},
    "services": [],
}
LINK = {"state": "setting_up", "detail": "", "device": "x", "code": "lost", "retry_s": 1.0}
PROFILES = ("polar", "movesense", "heart_rate", "ecgedge", "healthypi")


def spoilt(values: dict[str, Any], rng: random.Random, wrong: tuple[Any, ...] = WRONG) -> dict[str, Any]:
    """Return values with up to two of them wrong, missing, or unknown."""
    values = dict(values)
    for _ in range(rng.choice([0, 1, 1, 2])):
        key = rng.choice([*values, "unknown"])
        values[key] = rng.choice(wrong)
        if rng.random() < 0.1:
            del values[key]
    return values


def capture_of(header: bytes, records: Iterable[tuple[bytes, float, bytes]]) -> bytes:
    """Return a capture with right checksums, whatever it holds: (uuid, time, value) for each record."""
    body = struct.pack("<HI", 1, len(header)) + header
    made = MAGIC + body + struct.pack("<I", zlib.crc32(body))
    for uuid, at_s, value in records:
        record = struct.pack("<Hd16s", len(value), at_s, uuid) + value
        made += record + struct.pack("<I", zlib.crc32(record))
    return made


def _capture(rng: random.Random) -> bytes:
    records = []
    for k in range(rng.randrange(12)):
        at_s = rng.choice([k * 0.5] * 5 + [-1e300, float("nan"), float("inf"), 1e18])
        polar = encode_ecg_frame(rng.choice([k * 10**9, 0, 2**63]), np.arange(73))
        movesense = encode_ecg_packet(k * 500, np.arange(16))[0]
        records.append(
            rng.choice(
                [
                    (UUID(PMD_DATA).bytes, at_s, polar),
                    (UUID(SENSOR_DATA_NOTIFY).bytes, at_s, movesense),
                    (rng.randbytes(16), at_s, rng.randbytes(rng.randrange(40))),
                    (bytes(16), at_s, json.dumps(spoilt(LINK, rng)).encode()[:512]),
                    (bytes(16), at_s, rng.choice(WORDS).encode()),
                ]
            )
        )
    header = spoilt(HEADER | {"profile": rng.choice(PROFILES)}, rng)
    return capture_of(json.dumps(header).encode(), records)


def _profile(rng: random.Random) -> bytes:
    known = Path(ecgedge.__file__).parents[2] / "firmware_bridge/ecgedge_bridge/protocols/described/devices"
    made = tomllib.loads(rng.choice(sorted(known.glob("*.toml"))).read_text())
    made |= {
        "samples": 8,
        "header": "A5 ?? ?? ?? ?? ?? ??",
        "counter": {"at": 1, "bits": 16, "counts": "notifications"},
        "stamp": {"at": 3, "bits": 32, "unit": "ms"},
    }
    wrong = WRONG[:-_NOT_IN_TOML]
    if rng.random() < 0.3:
        key = rng.choice(["counter", "stamp"])
        made[key] = spoilt(made[key], rng, wrong)
    lines = [f"{key} = {_toml(value)}" for key, value in spoilt(made, rng, wrong).items()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=True)


# Values for each field of header(5), most of them wrong.
_WFDB = {
    "name": ("r", "r", "r", "../r", "", "r/2", "r/999999", "r/0"),
    "signals": ("1", "1", "2", "0", "-1", "1e3", "1024", "99999999999"),
    "fs": ("250", "250", "250/1", "0", "-1", "nan", "1e400", "250(5)", "360/250(0)"),
    "samples": ("600", "600", "0", "-5", "1099511627776", "x"),
    "date": ("", "12:00:00 01/01/2020", "25:61 99/99/9999", "0 0", ":::"),
    "file": ("r.dat", "r.dat", "r.dat", "../r.dat", "none.dat", "-", "~", "/dev/zero"),
    "format": ("16", "16", "212", "8", "61", "80", "160", "310", "311", "24", "32", "0", "7", "16x3", "16x0",
               "16:2", "16:1000000000", "16+1", "16+99999999999", "508", "16x10000"),
    "gain": ("200", "200/mV", "0", "-1", "1e-300", "1e300", "nan", "200(0)/mV", "200(99999999999)/uV",
             "0.2/\u00b5V", "1/mmHg", "200/" + "m" * 80, ""),
    "rest": ("16 0 0 0 0 ECG", "16 0 0 0 0 RESP", "99 9999999999 x y z", "", "16 0 0 0 0 \x1b[2J"),
}  # fmt: skip


def _wfdb(rng: random.Random) -> bytes:
    def some(key: str) -> str:
        # The first one is right.
        return _WFDB[key][0] if rng.random() < 0.75 else rng.choice(_WFDB[key])

    lines = [f"{some('name')} {some('signals')} {some('fs')} {some('samples')} {some('date')}"]
    if "/" in lines[0].split(" ")[0] and rng.random() < 0.7:
        lines += [rng.choice(["r 600", "~ 600", "~ 1099511627776", "s -1", "s"]) for _ in range(3)]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        lines.append(" ".join(some(key) for key in ("file", "format", "gain", "rest")))
    if rng.random() < 0.2:
        odd = rng.choice(["#" + "x" * 5000, "# note", "", " ".join(["1"] * 3000)])
        lines.insert(rng.randrange(len(lines)), odd)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _text(rng: random.Random) -> bytes:
    separator, comma = rng.choice([(",", "."), (";", ","), ("\t", "."), (" ", "."), (",", ".")])
    fs = rng.choice([130, 250, 512, 128.5])
    unit, factor = rng.choice([("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
    head = rng.choice(
        [f"time_{unit}{separator}ecg_mV", f"ecg{separator}time", "# a\ntime,ecg", "", '"a","b"']
    )
    size = rng.choice([1.0, 1.0, 1e-3, 1e3, 1e38, 1e300])
    times = [f"{i / fs * factor:.3f}{separator}" for i in range(rng.choice([0, 3, 300]))]
    rows = [(time + f"{size * np.sin(i / 9):.6g}").replace(".", comma) for i, time in enumerate(times)]
    return (head + "\n" + "\n".join(rows)).encode(rng.choice(["utf-8", "utf-16", "latin-1"]))


# A header may promise any number of samples: so many seconds are taken of each.
_MOST_BLOCKS = 500


def _blocks(path: Path) -> None:
    blocks = ecgedge.read(path)
    end = 0
    for block in islice(blocks, _MOST_BLOCKS):
        assert block.sample >= end, "blocks overlap"
        assert block.samples.dtype == np.float32
        assert 50 <= block.fs <= 4000
        end = block.end_sample
    for note in blocks.notes:
        assert note.detail.isprintable()


def _read_capture(path: Path, _: Path) -> object:
    events = list(replay(path))
    for event in events:
        if not isinstance(event, SampleBlock) and hasattr(event, "to_json"):
            json.dumps(event.to_json(), allow_nan=False)
    return _blocks(path)


def _read_profile(path: Path, _: Path) -> object:
    named = path.parent / "into" / "a.toml"
    named.write_bytes(path.read_bytes())
    decoder = make_decoder(load_profile(named))
    return [decoder.receive_data(bytes([0xA5, *range(k, k + 40)]), k / 10) for k in range(20)]


def _read_wfdb(path: Path, _: Path) -> object:
    folder = path.parent / "into"
    (folder / "r.hea").write_bytes(path.read_bytes())
    (folder / "r.dat").write_bytes((np.sin(np.arange(600) / 9) * 200).astype("<i2").tobytes())
    return _blocks(folder / "r")


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
    "capture": (_capture, _read_capture),
    "profile": (_profile, _read_profile),
    "wfdb": (_wfdb, _read_wfdb),
    "text": (_text, lambda path, _: _blocks(path)),
}


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut, put twice, or a hostile word in between."""
    changed = bytearray(data)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 3, 20])):
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
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # numpy's, which a user would see
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
