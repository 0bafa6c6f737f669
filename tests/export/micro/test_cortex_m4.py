"""The C source on an emulated Cortex-M4F: LiteRT's integers there too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.backends import litert
from ecgedge.artefacts.backends.interpreter import Quantizer
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge_export.micro.c_source import write_c

needs_qemu = pytest.mark.skipif(
    None in (shutil.which("arm-none-eabi-gcc"), shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
LAYOUT = """
ENTRY(reset)
MEMORY
{
  ROM (rx) : ORIGIN = 0, LENGTH = 4M
  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M
}
SECTIONS
{
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > ROM
  .bss : { *(.bss*) *(COMMON) } > RAM
}
"""
# Writes each output code in hexadecimal by semihosting; what comes after them is not read.
MAIN = """
#include "model.h"
#include "codes.h"
static int32_t arena[M_ARENA_WORDS];
static int8_t logits[M_CLASSES];
static void say(int what, const void *text)
{
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = text;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void reset(void)
{
    char digits[3] = {0, 0, 0};
    int i, j;
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20; /* the unit for floats is on */
    for (i = 0; i < WINDOWS; i++) {
        m_run(codes + i * M_SAMPLES, logits, arena);
        for (j = 0; j < M_CLASSES; j++) {
            digits[0] = "0123456789abcdef"[(uint8_t)logits[j] >> 4];
            digits[1] = "0123456789abcdef"[logits[j] & 15];
            say(4, digits);
        }
    }
    for (;;)
        say(0x18, (void *)0x20026);
}
#define VECTOR __attribute__((section(".vectors"), used)) static const
VECTOR void *const vectors[] = {(void *)0x20400000, (void *)reset};
"""


@needs_qemu
@pytest.mark.parametrize(
    "flags", [("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O2"), ("-mfloat-abi=soft", "-Os")]
)
@pytest.mark.parametrize("task", ["rhythm", "beat_classes"])
def test_a_microcontroller_gives_the_integers_of_litert(
    task: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    folder = BUNDLED / task
    manifest = Manifest.load(folder)
    artefact = manifest.backends["tflite"]
    runtime = litert.open_model(manifest.read(folder, "tflite"), artefact)
    quantize = Quantizer(artefact.input)
    noise = np.random.default_rng(2).standard_normal((3, 1, 1, manifest.n_inputs)).astype(np.float32)
    inputs = [*(case.preprocessed.reshape(1, 1, -1) for case in load_golden(folder, manifest)[:3]), *noise]
    codes = np.stack([quantize(window).copy() for window in inputs])
    wanted = np.stack([runtime.run_codes(row) for row in codes])

    write_c(folder / artefact.file, tmp_path, "m")
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "layout.ld").write_text(LAYOUT)
    numbers = ",".join(map(str, codes.reshape(-1).tolist()))
    (tmp_path / "codes.h").write_text(
        f"#define WINDOWS {len(codes)}\nstatic const int8_t codes[] = {{{numbers}}};\n"
    )
    compiler = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-std=gnu99", "-ffreestanding", *flags]
    linked = ["-nostartfiles", "-T", "layout.ld", "main.c", "model.c", "-lc", "-lgcc", "-o", "program"]
    subprocess.run([*compiler, *linked], cwd=tmp_path, check=True, timeout=300)
    machine = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-kernel", "program"]
    said = subprocess.run(
        [*machine, "-semihosting-config", "enable=on,target=native"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, check=False,
    ).stdout  # fmt: skip
    found = np.frombuffer(bytes.fromhex(said[: 2 * wanted.size]), np.int8).reshape(wanted.shape)
    np.testing.assert_array_equal(found, wanted)
