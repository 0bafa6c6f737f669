"""The unit, as systemd's own tools see it."""

from __future__ import annotations

import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecgedge.service.unit import node_unit, unit, ward_unit
from ecgedge_bridge.errors import ConfigError

COMMAND = ["/bin/true"]  # verify looks for the program


def setting(text: str, key: str) -> str:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)[0]


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here: install systemd")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


DEVICES = ("Polar H10", "A0:9E:1A:00:00:01", 'odd "name" 100 % $HOME \\', "serial:/dev/ttyUSB0")
WARD = Path("/etc/ecgedge/a ward.toml")


@pytest.mark.parametrize(
    "text",
    [
        *(unit("ecgedge", device, command=COMMAND) for device in DEVICES),
        *(ward_unit("ecgedge", WARD, bluetooth=bluetooth, command=COMMAND) for bluetooth in (False, True)),
        node_unit("ecgedge", "Polar H10", "mqtts://node@b/ward?ca=/x%20y", ["--roam"], command=COMMAND),
    ],
)
def test_systemd_reads_it_and_finds_little_exposure(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ecgedge.service"
    path.write_text(text)
    verified = analyze("verify", "--man=no", "--recursive-errors=no", str(path))
    # A key of newer systemd is passed over by an older one, with a warning.
    ours = [line for line in verified.stderr.splitlines() if str(path) in line and "RestartSteps" not in line]
    assert [line for line in ours if "RestartMaxDelaySec" not in line] == []
    done = analyze("security", "--offline=true", "--threshold=30", "--no-pager", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(re.findall(r"exposure level for .*: ([\d.]+)", done.stdout)[0]) <= 3.0


def test_words_come_out_as_they_went_in() -> None:
    device = 'odd "name" 100 % $HOME \\'
    line = setting(unit("ecgedge", device, ["--extra", "acc"], command=COMMAND), "ExecStart")
    words = shlex.split(line.replace("$$", "$").replace("%%", "%"))
    assert words[:5] == ["/bin/true", "run", device, "--extra", "acc"]


def test_it_records_for_thirty_days_unless_told_otherwise() -> None:
    assert '--record "%S/heart/ecg.db" --daily --keep-days 30' in unit("heart", "H10", command=COMMAND)
    own = setting(unit("heart", "H10", ["--record", "/srv/a.db"], command=COMMAND), "ExecStart")
    assert own.endswith("--record /srv/a.db")


@pytest.mark.parametrize("name", ["", "../etc", "a b", "Ä", "UPPER", "x" * 32, "a\nb", "-a", "a.service"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a service"):
        unit(name, "H10", command=COMMAND)


def test_no_text_begins_a_setting_of_its_own() -> None:
    for device, options in (("H10\nUser=root", []), ("H10", ["--fs\nUser=root"])):
        with pytest.raises(ConfigError, match="control character"):
            unit("ecgedge", device, options, command=COMMAND)


@pytest.mark.parametrize(
    "make",
    [
        lambda address: unit("ecgedge", "H10", ["--send", address], command=COMMAND),
        lambda address: unit("ecgedge", "H10", [f"--send={address}"], command=COMMAND),
        lambda address: node_unit("ecgedge", "H10", address, command=COMMAND),
    ],
)
def test_what_everybody_can_read_holds_no_password(make: Callable[[str], str]) -> None:
    for address in ("mqtt://me:secret@broker/ward", "mqtts://:secret@[::1]:8883"):
        with pytest.raises(ConfigError, match="password_file") as refused:
            make(address)
        assert "secret" not in str(refused.value)
    for address in (
        "mqtt://me@broker:1883/ward?password_file=pw",
        "mqtt://[::1]:1883/a@b",
        "tcp:127.0.0.1:9",
    ):
        assert address in make(address).replace("%%", "%")


@pytest.fixture
def cli(program: Any) -> Any:
    return program.cli("service")


def test_install_writes_once_and_uninstall_removes(cli: Any, tmp_path: Path) -> None:
    install = ("install", "--folder", str(tmp_path), "--name", "heart")
    done = cli.run(*install, "Polar H10", "--extra", "acc")
    if "closed to others" in done.stderr:
        pytest.skip("this checkout lies in a folder that is closed to others")
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "heart.service"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert 'run "Polar H10" --extra acc --record' in path.read_text()
    again = cli.run(*install, "H7")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert "Polar H10" in path.read_text()
    assert cli.run(*install, "--force", "H7").returncode == 0
    assert "run H7 --record" in path.read_text()
    assert cli.run("uninstall", "--folder", str(tmp_path), "--name", "heart").returncode == 0
    gone = cli.run("uninstall", "--folder", str(tmp_path), "--name", "heart")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (1, 1)


def test_a_ward_and_a_node_are_services_too(cli: Any, tmp_path: Path) -> None:
    config = tmp_path / "ward.toml"
    config.write_text('mqtt = "mqtt://broker/ward"\nothers = true\n')
    done = cli.run("gateway", str(config), "--folder", str(tmp_path))
    if "closed to others" in done.stderr:
        pytest.skip("this checkout lies in a folder that is closed to others")
    assert (done.returncode, done.stderr) == (0, "")
    ward = (tmp_path / "ecgedge-ward.service").read_text()
    assert setting(ward, "ExecStart").endswith(f"gateway --config {config}")
    assert "SupplementaryGroups" not in ward  # a server may have no group of that name
    assert int(setting(ward, "LimitNOFILE")) >= 5 * 1000
    config.write_text("[bluetooth]\n[[wearable]]\nname = 'a'\ndevice = 'b'\n")
    assert cli.run("gateway", str(config), "--folder", str(tmp_path), "--force").returncode == 0
    assert "SupplementaryGroups=bluetooth\n" in (tmp_path / "ecgedge-ward.service").read_text()
    done = cli.run("forward", "--folder", str(tmp_path), "Polar H10", "mqtt://broker/ward", "--roam")
    assert (done.returncode, done.stderr) == (0, "")
    node = (tmp_path / "ecgedge-node.service").read_text()
    assert setting(node, "ExecStart").endswith('forward "Polar H10" mqtt://broker/ward --roam')


@pytest.mark.parametrize(
    ("words", "says"),
    [(("gateway", "{}/ward.toml"), "reaches nobody"), (("gateway", "{}/none.toml"), "No such file"),
     (("forward", "H10", "http://broker"), "mqtt://")],
)  # fmt: skip
def test_what_could_not_start_is_refused_before_it_is_a_service(
    cli: Any, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "ward.toml").write_text("others = true\n")
    done = cli.run(*(word.format(tmp_path) for word in words), "--folder", str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert says in done.stderr
    assert not list(tmp_path.glob("*.service"))


def test_print_writes_nothing(cli: Any, tmp_path: Path) -> None:
    done = cli.run("install", "--folder", str(tmp_path), "--print", "Polar H10")
    if "closed to others" in done.stderr:
        pytest.skip("this checkout lies in a folder that is closed to others")
    assert done.stdout.startswith("[Unit]\nDescription=ECG of Polar H10\n")
    assert list(tmp_path.iterdir()) == []


def test_without_systemd_it_says_so(cli: Any) -> None:
    if Path("/run/systemd/system").exists():
        pytest.skip("systemd runs here, and is left alone")
    done = cli.run("status")
    assert (done.returncode, done.stderr) == (
        1,
        "ecgedge: systemd does not run here: start ecgedge by what starts your services\n",
    )
