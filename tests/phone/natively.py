"""A virtual wearable played into a capture without any radio, and what the package says of it natively."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter, LinkRecord
from ecgedge_bridge.protocols.profiles import profile_for
from ecgedge_bridge.protocols.session import Offered, Read, Script, Session, Subscribe, Wait, Write
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_bridge.simulation.faults import Pause, Send

__all__ = ["Cores", "capture"]

_MTU = 517
_REPOSITORY = Path(__file__).parents[2]
_MAIN = "from ecgedge.cli import main; main()"
_LIMIT_S = 600


class _Tape:
    """Writes what comes, with the times at which it would have come."""

    def __init__(self, wearable: VirtualWearable, writer: CaptureWriter, session: Session) -> None:
        self._wearable, self._writer, self._session = wearable, writer, session
        self._waiting: deque[tuple[str, bytes]] = deque()
        self.now_s = 0.0

    def state(self, name: str) -> None:
        """Note a state of the link."""
        self._writer.write_link(LinkRecord(name, "", self._wearable.name, self.now_s))

    def carry_out(self, script: Script) -> None:
        """Do what a session asks for, as a link does."""
        values = {
            one.uuid: one.value for service in self._wearable.services() for one in service.characteristics
        }
        for request in script:
            match request:
                case Subscribe(uuid):
                    self._wearable.subscription(uuid, True, _MTU)
                case Read(uuid):
                    self._receive(uuid, values[uuid])
                case Write(uuid, data):
                    answers = self._wearable.write(uuid, data, _MTU)
                    self._waiting += [(one.uuid, one.data) for one in answers if isinstance(one, Send)]
                case Wait():
                    self._receive(*self._waiting.popleft())

    def play(self) -> None:
        """All that there is."""
        while self._wearable.running and (action := self._wearable.next_action()) is not None:
            self.now_s = max(self.now_s, self._wearable.ledger.played / self._wearable.fs_true)
            match action:
                case Send(data, uuid):
                    self._receive(uuid or self._wearable._data_uuid, data)
                case Pause(seconds):
                    self.now_s += seconds

    def _receive(self, uuid: str, data: bytes) -> None:
        self._writer.write(uuid, data, self.now_s)
        self._session.receive(uuid, data, self.now_s)
        while self._session.next_event() is not None:
            pass


def capture(wearable: VirtualWearable, file: Path, *, extras: Iterable[str] = ("battery",)) -> Path:
    """Record what a wearable plays, to its end.

    Parameters
    ----------
    wearable : VirtualWearable
    file : Path
        Not there yet.
    extras : iterable of str
        What is subscribed to besides the ECG.
    """
    offered = [(service.uuid, one) for service in wearable.services() for one in service.characteristics]
    characteristics = {one.uuid: one.properties for _, one in offered}
    services = tuple(sorted({uuid for uuid, _ in offered}))
    profile = profile_for(wearable.name, services, connected=True)
    fs = wearable.fs if wearable.fs in profile.rates else None
    header = CaptureHeader(
        name=wearable.name,
        address=wearable.address,
        profile=profile.name,
        started_unix_s=1.79e9,
        host_time_s=0.0,
        extras=tuple(extras),
        fs=fs,
        characteristics=characteristics,
        services=services,
    )
    session = profile.make_session(device=wearable.name, fs=fs, extras=extras)
    with CaptureWriter(file, header) as writer:
        tape = _Tape(wearable, writer, session)
        for state in ("scanning", "connecting", "setting_up"):
            tape.state(state)
        wearable.connected()
        tape.carry_out(session.start(Offered(characteristics, frozenset(services))))
        for state in ("waiting", "streaming"):
            tape.state(state)
        tape.play()
        tape.state("stopped")
    return file


class Cores:
    """The package on this machine, in several builds: what ``ecgedge replay --json`` prints with each.

    Parameters
    ----------
    folder : Path
        Where builds are put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, str] = {}

    def lines(self, file: Path, build: str = "as it is") -> str:
        """What is printed; ``build``: ``as it is``, ``without SIMD`` or ``numpy``."""
        environment = os.environ | {"ECGEDGE_CORE": "numpy" if build == "numpy" else "c"}
        if build == "without SIMD":
            environment["PYTHONPATH"] = self._without_simd()
        return self._run(file, environment)

    def _run(self, file: Path, environment: Mapping[str, str]) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _MAIN, "replay", str(file), "--json"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=_LIMIT_S,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _without_simd(self) -> str:
        """Compile a core of one copy, for the oldest processor of this kind."""
        if "without SIMD" not in self._paths:
            package, core = self._folder / "ecgedge", _REPOSITORY / "edge" / "core"
            left_out = shutil.ignore_patterns("_core*.so", "__pycache__")
            shutil.copytree(_REPOSITORY / "edge" / "ecgedge", package, ignore=left_out)
            sources = sorted(str(each) for each in [*core.glob("*.c"), *core.glob("python/*.c")])
            subprocess.run(
                ["cc", "-DECG_ONE_COPY", "-shared", "-fPIC", "-std=c99", "-O3", "-ffp-contract=off",
                 f"-I{sysconfig.get_path('include')}", *sources, "-o", str(package / "_core.abi3.so"), "-lm"],
                check=True,
            )  # fmt: skip
            self._paths["without SIMD"] = f"{self._folder}:{_REPOSITORY / 'firmware_bridge'}"
        return self._paths["without SIMD"]
