"""What the tests of all sides share: programs in processes of their own, and one small network.

The network is taken through the whole export chain. It is not trained; its BatchNorm statistics and its head
are set so that windows spread over all classes. Torch is imported only when a test asks for the chain.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

from ecgedge.artefacts.manifest import Dataset, Manifest, Normalisation

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A job in the background of a shell is started with Ctrl-C switched off, and hands that on to its children:
# commands that the tests start and interrupt would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does nohup with hang-ups.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

MAIN = "from ecgedge.cli import main; main()"

# What `make test-fast` leaves out: trainings, and all that takes over two seconds for itself (measured with
# --durations=0). Files, or single tests of a file, by the beginning of their names.
SLOW = {
    "e2e/test_quick_training.py": "",
    "e2e/test_real_records.py": "test_rhythms_of_cinc2017",
    "e2e/test_demo.py": "",
    "e2e/test_cli_simulate.py": "test_a_recording_comes_through",
    "e2e/test_cli_doctor.py": "",
    "e2e/test_event_digests.py": "test_a_recording_gives_the_same_events_as_before[mitdb",
    "bridge/simulation/test_soak.py": "",
    "bridge/checkup/test_doctor.py": "test_a_strap_that_never_sends",
    "bridge/link/test_radio_errors.py": "test_a_bus_that_never_answers",
    "bridge/test_fuzz.py": "",
    "benchmarks/test_harness.py": "test_without_files_an_environment",
    "edge/test_adversarial.py": "",
    "edge/test_pipes.py": "",
    "edge/scale/test_trouble.py": "",
    "edge/scale/test_store.py": "test_a_bucket",
    "edge/hrv/test_measures.py": "test_after_a_million_beats",
    "export/beats/test_training.py": "",
    "export/beat_classes/test_breathing.py": "test_the_shipped",
    "export/beat_classes/test_training.py": "",
    "export/gate/test_training.py": "",
    "export/literature/test_distilled.py": "test_every_way",
    "export/rhythm/": "",
    "export/waves/test_task.py": "",
    "export/tokens/test_training.py": "test_it_learns",
    "export/test_tasks.py": "test_a_",
    "export/teachers/": "",
    "export/ship/test_bundle.py": "test_formulas",
    "export/ec57/test_ec57.py": "test_the_pipeline",
    "export/int8/": "",
    "export/micro/": "",
    "edge/artefacts/test_backends.py": "test_backends_agree",
    "bridge/link/test_trouble.py": "",
    "packaging/test_wheel.py": "",
    "browser/test_pictures.py": "test_the_",
    "phone/test_": "",
}
FS = 100.0
N_SAMPLES = 320


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow."""
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        place = item.path.relative_to(here).as_posix()
        if any(place.startswith(file) and item.name.startswith(name) for file, name in SLOW.items()):
            item.add_marker(pytest.mark.slow)


class Started(subprocess.Popen[str]):
    """A program that runs. What was read by lines before is not lost by :meth:`communicate`."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        """Read the rest of both pipes, and wait for the end.

        That of ``Popen`` reads from the pipe itself, past what a loop over its lines has read ahead.
        """
        with ThreadPoolExecutor(2) as readers:
            rest = [readers.submit(_read_to_end, pipe) for pipe in (self.stdout, self.stderr)]
            try:
                if self.stdin is not None and not self.stdin.closed:
                    with suppress(BrokenPipeError):
                        self.stdin.write(input or "")
                        self.stdin.close()
                self.wait(timeout)
            except BaseException:
                self.kill()  # else the readers wait for ever
                raise
            out, errors = (read.result() for read in rest)
        return out, errors


def _read_to_end(pipe: IO[str] | None) -> str:
    if pipe is None or pipe.closed:
        return ""
    with pipe:
        return pipe.read()


@dataclass(frozen=True, slots=True)
class Program:
    """Python in a process of its own, judged by what it prints and how it ends."""

    code: str
    arguments: tuple[str, ...] = ()

    @classmethod
    def cli(cls, *arguments: str, before: str = "") -> Program:
        """Make the command line, with its first arguments; ``before`` is Python that runs first in it."""
        return cls(f"{before}\n{MAIN}", arguments)

    def run(self, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever that is."""
        return subprocess.run(
            self._command(more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=os.environ | environment,
        )

    def start(self, *more: str, **options: Any) -> Started:
        """Start it; use it as a context."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return Started(self._command(more), text=True, **pipes | options)

    def _command(self, more: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-c", self.code, *self.arguments, *more]


@pytest.fixture(scope="session")
def program() -> type[Program]:
    """What makes programs."""
    return Program


@dataclass(frozen=True, slots=True)
class Chain:
    """Paths of every stage, the network they come from, and windows that calibration did not see."""

    net: Any
    float_onnx: Path
    int8_onnx: Path
    s8s8_onnx: Path
    int8_tflite: Path
    windows: npt.NDArray[np.float32]


def make_windows(n: int, seed: int, n_samples: int = N_SAMPLES) -> npt.NDArray[np.float32]:
    """Noise of different colour and size in every window, shape (n, 1, n_samples)."""
    rng = np.random.default_rng(seed)
    frequencies = np.fft.rfftfreq(n_samples)
    spectra = np.fft.rfft(rng.standard_normal((n, n_samples)))
    spectra /= 1 + frequencies * rng.uniform(0, 60, (n, 1))
    signals = np.fft.irfft(spectra, n_samples)
    signals *= rng.uniform(0.2, 1.5, (n, 1)) / signals.std(axis=1, keepdims=True)
    return signals[:, None].astype(np.float32)


@pytest.fixture(scope="session")
def small_net() -> Any:
    """Dense stem, depthwise with odd and even kernels, every kind of shortcut, dilation, ReLU and ReLU6."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def conv(
        c_in: int, c_out: int, kernel: int, pad: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> nn.Sequential:
        layer = nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), (0, pad), (1, dilation), groups, bias=False)
        return nn.Sequential(layer, nn.BatchNorm2d(c_out))

    class SmallNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = conv(1, 8, 15, 7, stride=2)
            self.depthwise = nn.ModuleList(
                [
                    conv(8, 8, 9, 4, groups=8),
                    conv(8, 8, 4, 1, groups=8, stride=2),
                    conv(12, 12, 7, 6, groups=12, dilation=2),
                    conv(12, 12, 5, 2, groups=12, stride=2),
                ]
            )
            self.pointwise = nn.ModuleList(
                [conv(c, d, 1, 0) for c, d in [(8, 8), (8, 12), (12, 12), (12, 16)]]
            )
            self.shortcut = conv(12, 16, 1, 0, stride=2)
            self.head = nn.Linear(16, 4)

        def block(self, i: int, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.pointwise[i](torch.relu(self.depthwise[i](x)))
            return y

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.stem(x.unsqueeze(2)))
            x = torch.relu(self.block(0, x) + x)
            pooled = F.pad(F.avg_pool2d(x, (1, 2)), (0, 0, 0, 0, 0, 4))
            x = F.relu6(self.block(1, x) + pooled)
            x = torch.relu(self.block(2, x) + F.max_pool2d(x, (1, 3), 1, (0, 1)))
            x = torch.relu(self.block(3, x) + self.shortcut(x))
            y: torch.Tensor = self.head(x.mean(dim=(2, 3)))
            return y

    torch.manual_seed(7)
    net = SmallNet()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # one pass sets the running statistics
            nn.init.uniform_(module.weight, 0.6, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
    with torch.inference_mode():
        net.train()(torch.from_numpy(make_windows(256, 0)))
    spread_head(net.eval(), make_windows(256, 0))
    return net


def spread_head(net: Any, windows: npt.NDArray[np.float32]) -> None:
    """Centre and stretch the head so that every class wins on some windows."""
    import torch

    with torch.no_grad():
        logits = net(torch.from_numpy(windows))
        factor = 2.0 / logits.std(dim=0)
        net.head.weight.mul_(factor[:, None])
        net.head.bias.copy_((net.head.bias - logits.mean(dim=0)) * factor)


@pytest.fixture(scope="session")
def chain(small_net: Any, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The small network exported, quantized and converted once per session."""
    from ecgedge_export.int8.onnx_export import export_onnx
    from ecgedge_export.int8.quantize import quantize
    from ecgedge_export.int8.tflite_writer import write_tflite

    folder = tmp_path_factory.mktemp("chain")
    float_onnx = export_onnx(small_net, N_SAMPLES, folder / "float.onnx")
    pair = quantize(float_onnx, make_windows(128, 1), folder / "int8")
    tflite = write_tflite(pair.s8s8, folder / "model.tflite")
    return Chain(small_net, float_onnx, pair.u8s8, pair.s8s8, tflite, make_windows(200, 2))


@pytest.fixture
def draft() -> Manifest:
    """A manifest that lacks only its files."""
    return Manifest(
        task="rhythm",
        fs=FS,
        window_s=N_SAMPLES / FS,
        hop_s=1.0,
        min_window_s=2.0,
        bandpass_taps=(-0.25, 0.5, -0.25),
        resampler={"half_width_s": 0.16, "beta": 8.0, "cutoff_hz": 41.0},
        normalisation=Normalisation("qrs_height", {"clip": 1.5}),
        classes=("N", "A", "O", "~"),
        roles={"N": "normal", "A": "af", "O": "other", "~": "noise"},
        temperature=1.25,
        thresholds={"conclusive": 0.5},
        training_data=(
            Dataset("CinC 2017", "ODC-By 1.0", 8528, "https://physionet.org/content/challenge-2017/"),
        ),
        split_sha256="0" * 64,
        metrics={"command": "ecgedge-export evaluate rhythm", "test": {"f1": 0.8}},
        commit="5e63021",
        versions={"torch": "2.13.0"},
    )


@pytest.fixture
def model_folder(chain: Chain, draft: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh model folder; a test may damage it."""
    from ecgedge_export.ship.package import golden_cases, package

    folder = tmp_path_factory.mktemp("models") / "rhythm"
    pairs = [(window[0] / 2, window[0]) for window in chain.windows[:3]]
    package(
        folder,
        draft,
        chain.int8_onnx,
        chain.int8_tflite,
        golden_cases(chain.int8_onnx, chain.int8_tflite, pairs),
    )
    return folder


@pytest.fixture(scope="session")
def windows() -> Callable[..., npt.NDArray[np.float32]]:
    """The generator of test windows."""
    return make_windows
