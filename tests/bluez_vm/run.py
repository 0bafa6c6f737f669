"""Run the tests in this folder on the real Bluetooth stack of Linux, in a virtual machine.

A Debian kernel under QEMU (emulated: no KVM, no privileges), which sees this machine's files read-only with
a layer in memory above them; in it systemd, D-Bus, bluetoothd and pytest, with bumble as the adapter behind
``/dev/vhci``. Only the standard library is used here, and nothing is left running or written outside of the
cache folder.

Usage: python tests/bluez_vm/run.py [--install] [--require] [OPTIONS OF PYTEST]
"""

from __future__ import annotations

import argparse
import lzma
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecgedge-bluez-vm"
# Debian package for each program that is needed.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "dbus-daemon": "dbus",
    "systemctl": "systemd",
    "bluetoothctl": "bluez",
    "dpkg-deb": "dpkg",
}
KERNEL = "linux-image-amd64"
TESTS = "bluez-tests.service"
SYSTEMD = f"systemd.unit={TESTS} systemd.show_status=no systemd.gpt_auto=no fstab=no"
MODULES = "virtio_pci 9p 9pnet_virtio overlay hci_vhci cmac ecb algif_hash algif_skcipher".split()
# Another apt-get may be at work, that of the nightly upgrade for example.
WAIT = ("-o", "DPkg::Lock::Timeout=300")
# Of what Debian's systemd starts by itself: each costs time here, and none is needed.
MASKED = """
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket
    systemd-udev-trigger.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
    systemd-modules-load.service kmod-static-nodes.service systemd-hwdb-update.service
    systemd-journal-flush.service systemd-sysusers.service systemd-random-seed.service
    systemd-update-utmp.service systemd-firstboot.service systemd-sysctl.service
    systemd-machine-id-commit.service systemd-repart.service systemd-tmpfiles-setup-dev.service
    systemd-tmpfiles-setup.service systemd-pcrphase-sysinit.service systemd-pcrphase.service
    systemd-journald-audit.socket dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount cryptsetup.target
    integritysetup.target veritysetup.target
""".split()
STATUS = "BLUEZ_VM_STATUS="
# From boot to the last line; what comes before takes some seconds.
LIMIT_S = 720
# What this script ends with where pytest did not run to its end, and where nothing could be run.
NO_STATUS, SKIPPED_BUT_REQUIRED = 70, 77


class CannotRunError(Exception):
    """Something is missing; the message says what, and how to get it."""


def main(arguments: Sequence[str]) -> int:
    """Run the tests and return pytest's status; 0 where they cannot be run, unless that is required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="get what is missing with apt-get, as root")
    parser.add_argument("--require", action="store_true", help="fail where the tests cannot be run")
    options, for_pytest = parser.parse_known_args(arguments)
    began = time.monotonic()
    try:
        if options.install:
            install()
        kernel = unpacked_kernel()
    except CannotRunError as reason:
        bar = "=" * 100
        sys.stderr.write(f"{bar}\nSKIPPED: the tests on the real Bluetooth stack. {reason}\n{bar}\n")
        return SKIPPED_BUT_REQUIRED if options.require else 0
    with tempfile.TemporaryDirectory(prefix="bluez-vm-") as scratch:
        status = boot(*image(kernel, Path(scratch), for_pytest))
    sys.stderr.write(f"bluez_vm: status {status} after {time.monotonic() - began:.0f} s\n")
    return status


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not here."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return sorted({package for name, package in PROGRAMS.items() if not shutil.which(name, path=places)})


def install() -> None:
    """Get what is missing with apt-get.

    Raises
    ------
    CannotRunError
        If it cannot be had.
    """
    if not missing_packages() and kernel_packages():
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRunError("--install needs apt-get and root.")
    CACHE.mkdir(parents=True, exist_ok=True)
    _apt("apt-get", "update", "-qq")
    if missing := missing_packages():
        _apt("apt-get", "install", *WAIT, "-qq", "--yes", "--no-install-recommends", *missing)
    if not kernel_packages():
        depends = _apt("apt-cache", "depends", KERNEL)
        image_package = re.search(r"Depends: (linux-image-\S+)", depends)
        if image_package is None:
            raise CannotRunError(f"{KERNEL} depends on no kernel here: this is for Debian on amd64.")
        _apt("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", image_package[1])


def _apt(*command: str) -> str:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=CACHE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRunError(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def kernel_packages() -> list[Path]:
    """Return the kernel packages in the cache folder, the newest last."""
    return sorted(CACHE.glob("linux-image-*.deb"), key=lambda path: path.stat().st_mtime)


def unpacked_kernel() -> Path:
    """Return the folder of the kernel, unpacked once.

    Raises
    ------
    CannotRunError
        If a program or the kernel is not here.
    """
    missing = missing_packages()
    packages = kernel_packages()
    if missing or not packages:
        steps = [f"apt-get install --no-install-recommends {' '.join(missing)}"] if missing else []
        if not packages:
            steps.append(f"apt-get download, in {CACHE}, of the kernel that {KERNEL} depends on")
        raise CannotRunError(
            f"Needed here, on Debian or one of its kin: {'; '.join(steps)}. "
            f"`{Path(__file__).name} --install` does both, as root."
        )
    folder = packages[-1].with_suffix("")
    if not folder.is_dir():
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", packages[-1], half], check=True)
        half.rename(folder)
    return folder


def image(kernel: Path, scratch: Path, for_pytest: Sequence[str]) -> tuple[Path, Path]:
    """Return the kernel and an initial file system: busybox, the modules, and what to run."""
    root = scratch / "root"
    for name in ("bin", "dev", "proc", "sys", "host", "layer", "guest", "modules", "units"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", root / "bin" / "busybox")
    shutil.copy(FOLDER / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    order = []
    for path in in_order(kernel):
        name = path.name.removesuffix(".xz")
        data = path.read_bytes()
        (root / "modules" / name).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
        order.append(name)
    (root / "modules" / "order").write_text("".join(f"{name}\n" for name in order))
    (root / "settings").write_text(settings(for_pytest))
    (root / "units" / TESTS).write_text((FOLDER / TESTS).read_text())
    (root / "masked").write_text("".join(f"{name}\n" for name in MASKED))
    shutil.copy(FOLDER / "guest.sh", root / "guest.sh")
    archive = scratch / "initial.cpio"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with archive.open("wb") as out:
        command = ["cpio", "--create", "--format=newc", "--quiet"]
        subprocess.run(command, cwd=root, input=names.encode(), stdout=out, check=True)
    return next(kernel.glob("boot/vmlinuz-*")), archive


def settings(for_pytest: Sequence[str]) -> str:
    """Return what the guest has to know, for its shell: this interpreter, and the code of this checkout."""
    code = [str(REPOSITORY / name) for name in ("firmware_bridge", "edge")]
    known = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    values = {
        "FOLDER": str(FOLDER),
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([*code, *known]),
        "PYTEST": shlex.join(for_pytest),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def in_order(kernel: Path) -> Iterator[Path]:
    """Yield the modules that the guest needs, each after those that it depends on."""
    (folder,) = kernel.glob("**/lib/modules/*")
    files = {_plain(path.name.split(".")[0]): path for path in folder.rglob("*.ko*")}
    built_in = {_plain(Path(line).stem) for line in (folder / "modules.builtin").read_text().split()}
    seen: set[str] = set()

    def visit(name: str) -> Iterator[Path]:
        if name in seen or name in built_in:
            return
        seen.add(name)
        for other in _depends(files[name]):
            yield from visit(other)
        yield files[name]

    for name in MODULES:
        yield from visit(name)


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _depends(module: Path) -> list[str]:
    data = module.read_bytes()
    found = re.search(rb"\0depends=([^\0]*)\0", lzma.decompress(data) if module.suffix == ".xz" else data)
    return [] if found is None else [_plain(name) for name in found[1].decode().split(",") if name]


def boot(kernel: Path, archive: Path) -> int:
    """Boot the guest, show its console, and return the status that it tells there."""
    command: list[str | Path] = [
        # Also if this script is killed, and whatever the guest does: this ends it.
        *("timeout", "--kill-after=5", str(LIMIT_S)),
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", "2"),
        *("-m", "1536", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-serial", "stdio", "-kernel", kernel, "-initrd", archive),
        # Noon, so that no recording of a day ends while a test looks at it.
        *("-rtc", f"base={date.today()}T12:00:00"),
        *("-append", f"console=ttyS0 quiet panic=-1 mitigations=off {SYSTEMD}"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
    ]
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert guest.stdout is not None
    status = NO_STATUS
    try:
        for raw in guest.stdout:
            line = raw.decode(errors="replace").rstrip()
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            if line.startswith(STATUS):
                status = int(line.removeprefix(STATUS))
    finally:
        guest.terminate()
        guest.wait()
    return status


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
