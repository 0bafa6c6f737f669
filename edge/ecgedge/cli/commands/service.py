"""``ecgedge service``: start with the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge.cli.output import say

__all__ = ["app"]

app = typer.Typer(
    help="Start with the machine: a systemd unit that is written, looked at and removed.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
_NAME = typer.Option("--name", help="Of the service; one for each wearable.")
_FOLDER = typer.Option("--folder", help="Where units are; another one than systemd's is only written to.")
_DEFAULT = Path("/etc/systemd/system")
_Show = Annotated[bool, typer.Option("--print", help="Print the unit, and write nothing.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace the service of that name.")]
_PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@app.command(context_settings=_PASSED_ON)
def install(
    device: Annotated[str, typer.Argument(help="Name or address of the wearable, then options of 'run'.")],
    options: Annotated[list[str] | None, typer.Argument(help="Options of 'ecgedge run'.")] = None,
    name: Annotated[str, _NAME] = "ecgedge",
    folder: Annotated[Path, _FOLDER] = _DEFAULT,
    show: _Show = False,
    force: _Force = False,
) -> None:
    """Write the unit and start it: a recording for each day in /var/lib/NAME, kept for thirty days.

    Options of 'ecgedge run' follow the device: ecgedge service install "Polar H10" --extra acc
    """
    from ecgedge.service.unit import unit

    _install(name, unit(name, device, options or ()), "it looks for the wearable", folder, show, force)


@app.command()
def gateway(
    config: Annotated[Path, typer.Argument(metavar="WARD.toml", help="The ward: see docs/gateway.md.")],
    name: Annotated[str, _NAME] = "ecgedge-ward",
    folder: Annotated[Path, _FOLDER] = _DEFAULT,
    show: _Show = False,
    force: _Force = False,
) -> None:
    """Write the unit of 'ecgedge gateway' and start it; relative paths of the file are in /var/lib/NAME."""
    from ecgedge.gateway.ward import read_ward
    from ecgedge.service.unit import ward_unit

    ward = read_ward(config)  # what makes no sense is told now, and not in the journal
    text = ward_unit(name, config.resolve(), bluetooth=ward.bluetooth is not None)
    _install(name, text, "it takes wearables", folder, show, force)


@app.command(context_settings=_PASSED_ON)
def forward(
    device: Annotated[str, typer.Argument(help="Name or address of the wearable.")],
    broker: Annotated[
        str,
        typer.Argument(metavar="mqtt://USER@HOST:PORT/TOPIC", help="Where to, then options of 'forward'."),
    ],
    options: Annotated[list[str] | None, typer.Argument(help="Options of 'ecgedge forward'.")] = None,
    name: Annotated[str, _NAME] = "ecgedge-node",
    folder: Annotated[Path, _FOLDER] = _DEFAULT,
    show: _Show = False,
    force: _Force = False,
) -> None:
    """Write the unit of a node, 'ecgedge forward', and start it.

    Options of 'ecgedge forward' follow: ecgedge service forward "Polar H10" mqtt://broker/ward --roam
    """
    from ecgedge.gateway.node import node_broker
    from ecgedge.service.unit import node_unit

    node_broker(broker, "forward")
    text = node_unit(name, device, broker, options or ())
    _install(name, text, "it looks for the wearable", folder, show, force)


def _install(name: str, text: str, begins: str, folder: Path, show: bool, force: bool) -> None:
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.files import atomic_file

    if show:
        print(text, end="")
        return
    path = folder / f"{name}.service"
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already: choose another --name, or replace it with --force")
    with atomic_file(path, 0o644) as file:
        file.write(text.encode())
    say(f"{path} was written")
    if folder == _DEFAULT:
        _make_user(name)
        _systemctl("daemon-reload")
        _systemctl("enable", f"{name}.service")
        # Without waiting: it has started once there is something to do.
        _systemctl("restart", "--no-block", f"{name}.service")
        say(f"{begins} now, and when the machine starts: systemctl status {name}")


@app.command()
def status(name: Annotated[str, _NAME] = "ecgedge") -> None:
    """Show what the service does, and its last lines."""
    from ecgedge.service.unit import checked_name

    raise typer.Exit(_systemctl("status", "--no-pager", f"{checked_name(name)}.service", check=False))


@app.command()
def uninstall(
    name: Annotated[str, _NAME] = "ecgedge",
    folder: Annotated[Path, _FOLDER] = _DEFAULT,
) -> None:
    """Stop the service and remove its unit; its recordings stay."""
    from ecgedge.service.unit import checked_name
    from ecgedge_bridge.errors import ConfigError

    path = folder / f"{checked_name(name)}.service"
    if not path.exists():
        raise ConfigError(f"there is no {path}: see 'systemctl list-units' for its name")
    if folder == _DEFAULT:
        _systemctl("disable", "--now", path.name)
    path.unlink()
    if folder == _DEFAULT:
        _systemctl("daemon-reload")
    say(f"{path} was removed; recordings stay in /var/lib/{name}")


def _make_user(name: str) -> None:
    """Make the service's user, if it is not there: the system bus refuses one that only systemd knows.

    It refuses it where libnss-systemd is missing, as on a small Debian; where there is a user of that name,
    systemd takes it (man systemd.exec, DynamicUser).
    """
    _call("systemd-sysusers", "--inline", f'u {name} - "ECG recordings" /var/lib/{name}')


def _systemctl(*words: str, check: bool = True) -> int:
    return _call("systemctl", *words, check=check)


def _call(program: str, *words: str, check: bool = True) -> int:
    import os
    import shutil
    import subprocess

    from ecgedge_bridge.errors import ConfigError

    if not shutil.which("systemctl") or not Path("/run/systemd/system").exists():
        raise ConfigError("systemd does not run here: start ecgedge by what starts your services")
    if check and os.geteuid():
        raise ConfigError("only root may change services: try it with sudo")
    done = subprocess.run([program, *words], check=False)
    if check and done.returncode:
        raise ConfigError(f"{program} {words[0]} failed: see what it says above")
    return done.returncode
