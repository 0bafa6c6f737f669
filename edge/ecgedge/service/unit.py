"""The systemd unit: an own user that exists while it runs, and nothing that it does not need."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from ecgedge_bridge.errors import ConfigError

__all__ = ["checked_name", "node_unit", "program", "unit", "ward_unit"]

_LONGEST_NAME = 31  # of a user
_PASSWORD = re.compile(r"://[^/?#@]*:[^/?#@]+@")
# One strap with all options needs 130 MB, a ward of 1,000 some 500 (`python -m benchmarks fleet`).
_MEMORY, _WARD_MEMORY = "300M", "2G"
# Debian's BlueZ lets this group speak to it, other distributions let everybody.
_BLUETOOTH = "bluetooth"

# Why each line: man systemd.exec. BlueZ is spoken to over the D-Bus socket (AF_UNIX); sinks and the page need
# AF_INET and AF_INET6. A serial board is a device of the group dialout.
_UNIT = """\
[Unit]
Description=ECG of {what}
Wants=bluetooth.service
# The last one so that the machine's start does not wait for a strap.
After=bluetooth.service dbus.service network.target multi-user.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=always
RestartSec=5
# From systemd 254 on; an older one waits five seconds each time.
RestartSteps=4
RestartMaxDelaySec=60
# Fed by samples that arrive, and by a link that goes on searching. The strap is told to stop then too.
WatchdogSec=300
WatchdogSignal=SIGTERM
# It has started once samples arrive; each step of the search for the strap asks for more time.
TimeoutStartSec=120
# The strap is told to stop, which takes a connection's time.
TimeoutStopSec=30
KillSignal=SIGTERM
SuccessExitStatus=143

# One that `ecgedge service install` has made, or else one that exists while the service runs.
DynamicUser=yes
User={user}
{groups}StateDirectory={state}
StateDirectoryMode=0700
WorkingDirectory=%S/{state}
UMask=0077
Environment=HOME=%S/{state} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
PrivateDevices={private_devices}
DevicePolicy=closed
{devices}ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
# No ProcSubset: LiteRT reads /proc/cpuinfo, on ARM to learn what the processor can do.
ProtectProc=invisible
PrivateUsers=no
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
MemoryMax={memory}
TasksMax=64
# A recording has five, and a ward up to 1,000 of them.
LimitNOFILE=10000

[Install]
WantedBy=multi-user.target
"""


def unit(name: str, device: str, options: Sequence[str] = (), *, command: Sequence[str] | None = None) -> str:
    """Return the text of the unit.

    Parameters
    ----------
    name : str
        Of the service, and of its folder in /var/lib.
    device : str
        What ``ecgedge run`` is given.
    options : sequence of str
        Further ones of ``ecgedge run``; without ``--record`` it keeps a file for each day in its folder, for
        thirty days.
    command : sequence of str, optional
        How ecgedge is started; by default as it runs now.

    Raises
    ------
    ConfigError
        The name is none for a service, an option has a line break, or an address has a password.

    Examples
    --------
    >>> text = unit("ecgedge", "Polar H10", command=["/opt/ecgedge/bin/ecgedge"])
    >>> [line for line in text.splitlines() if line.startswith("ExecStart=")][0]
    'ExecStart=/opt/ecgedge/bin/ecgedge run "Polar H10" --record "%S/ecgedge/ecg.db" --daily --keep-days 30'
    """
    record = "" if "--record" in options else f' --record "%S/{name}/ecg.db" --daily --keep-days 30'
    serial = device.startswith("serial:")
    port = _escaped(device.removeprefix("serial:").partition("?")[0]) if serial else ""
    words = ["run", device, *options]
    return _filled(
        name, device, words, command, record, groups="dialout" if serial else _BLUETOOTH, port=port
    )


def ward_unit(
    name: str, config: Path, *, bluetooth: bool = False, command: Sequence[str] | None = None
) -> str:
    """Return the text of the unit of ``ecgedge gateway``; relative paths of the file are in its folder.

    Parameters
    ----------
    name : str
        Of the service, and of its folder in /var/lib.
    config : Path
        The ward's file.
    bluetooth : bool
        Whether it connects too.
    command : sequence of str, optional
        How ecgedge is started; by default as it runs now.

    Raises
    ------
    ConfigError
        The name is none for a service.

    Examples
    --------
    >>> text = ward_unit("ward", Path("/etc/ecgedge/ward.toml"), command=["/opt/ecgedge/bin/ecgedge"])
    >>> [line for line in text.splitlines() if line.startswith("ExecStart=")][0]
    'ExecStart=/opt/ecgedge/bin/ecgedge gateway --config /etc/ecgedge/ward.toml'
    """
    words = ["gateway", "--config", str(config)]
    groups = _BLUETOOTH if bluetooth else ""
    return _filled(name, f"the ward of {config}", words, command, groups=groups, memory=_WARD_MEMORY)


def node_unit(
    name: str, device: str, broker: str, options: Sequence[str] = (), *, command: Sequence[str] | None = None
) -> str:
    """Return the text of the unit of ``ecgedge forward``.

    Parameters
    ----------
    name : str
        Of the service.
    device, broker, options
        What ``ecgedge forward`` is given.
    command : sequence of str, optional
        How ecgedge is started; by default as it runs now.

    Raises
    ------
    ConfigError
        The name is none for a service, an option has a line break, or an address has a password.

    Examples
    --------
    >>> text = node_unit("node", "Polar H10", "mqtt://broker/ward", command=["/opt/ecgedge/bin/ecgedge"])
    >>> [line for line in text.splitlines() if line.startswith("ExecStart=")][0]
    'ExecStart=/opt/ecgedge/bin/ecgedge forward "Polar H10" mqtt://broker/ward'
    """
    return _filled(name, device, ["forward", device, broker, *options], command, groups=_BLUETOOTH)


def _filled(
    name: str,
    what: str,
    words: Sequence[str],
    command: Sequence[str] | None,
    more: str = "",
    *,
    groups: str,
    memory: str = _MEMORY,
    port: str = "",
) -> str:
    checked_name(name)
    if any(_PASSWORD.search(word) for word in words):
        raise ConfigError(
            "there is a password in an address, and everybody can read a unit: put it into a file, and "
            "'?password_file=FILE' behind the address"
        )
    start = list(command or program())
    return _UNIT.format(
        what=_escaped(what),
        command=" ".join(_quoted(word) for word in [*start, *words]) + more,
        user=name,
        state=name,
        groups=f"SupplementaryGroups={groups}\n" if groups else "",
        home="read-only" if start[0].startswith(("/home/", "/root/")) else "yes",
        private_devices="no" if port else "yes",
        devices=f"DeviceAllow={port} rw\n" if port else "",
        memory=memory,
    )


def checked_name(name: str) -> str:
    """Return the name, if it can be that of a service, its user and its folder.

    Raises
    ------
    ConfigError
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > _LONGEST_NAME:
        raise ConfigError(f"{name!r} is no name for a service: use small letters, digits and -")
    return name


def program() -> list[str]:
    """Return the script beside this interpreter, which is how somebody else starts ecgedge.

    Raises
    ------
    ConfigError
        There is none, or the service's own user cannot reach it.
    """
    script = Path(sys.executable).parent / "ecgedge"
    if not script.is_file():
        raise ConfigError(f"there is no {script}: install ecgedge with pip")
    for folder in (script, *script.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise ConfigError(
                f"{folder} is closed to others, so a service's own user cannot start what is in it: install "
                "ecgedge in /opt/ecgedge"
            )
    return [str(script)]


def _escaped(text: str) -> str:
    """Text in a unit: a percent sign is a specifier, a line break would begin another setting.

    Raises
    ------
    ConfigError
        There is a control character in it.
    """
    if not text.isprintable():
        raise ConfigError("a control character cannot stand in a unit: leave it out")
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of a command line in a unit (man systemd.service, COMMAND LINES)."""
    safe = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    plain = all(c.isalnum() or c in "/._-:=@,+%" for c in safe)
    return safe if plain and safe else f'"{safe}"'
