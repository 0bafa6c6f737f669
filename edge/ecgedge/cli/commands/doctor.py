"""``ecgedge doctor``: measure a wearable and its link, and print what is wrong and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.live.wires import refuse_wire
from ecgedge.cli.options import AsJson, LinkOptions, with_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge_bridge.checkup.findings import Checkup
    from ecgedge_bridge.protocols.session import WearableEvent

__all__ = ["doctor"]

_LOOK_S = 5.0
_MARKS = {"fault": "FAULT  ", "warning": "warning", "fine": "fine   "}


@with_options(link=LinkOptions)
def doctor(
    device: Annotated[
        str | None, typer.Argument(help="Name or address of the wearable, for example 'Polar H10'.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to listen.")] = 30.0,
    itself: Annotated[
        bool, typer.Option("--self", help="Look at this installation instead: core, runtimes, models.")
    ] = False,
    *,
    link: LinkOptions,
    as_json: AsJson = False,
) -> None:
    """Measure a wearable and its link: rate, gaps, MTU, firmware, battery, drift, jitter, signal.

    Prints in plain sentences what is wrong and what to do. Exit status 1 if something is seriously wrong.
    """
    if itself == (device is not None):
        raise typer.BadParameter("give the name or address of a wearable, or --self", param_hint="DEVICE")
    if device is None:
        _examine_itself(as_json=as_json)
        return
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.output import print_json
    from ecgedge_bridge.checkup.findings import findings
    from ecgedge_bridge.checkup.measure import examine

    refuse_wire(device)
    options = link.checked()
    show = None if as_json else _show
    checkup = run_until_stopped(examine(device, seconds, look_s=_LOOK_S, on_event=show, **options))
    if as_json:
        print_json(checkup.to_json())
    else:
        _print(checkup)
    if any(finding.level == "fault" for finding in findings(checkup)):
        raise typer.Exit(1)


def _examine_itself(*, as_json: bool) -> None:
    """Print what the installation runs on; exit status 1 where it cannot."""
    from ecgedge.cli.itself import examined
    from ecgedge.cli.output import print_json, say

    found = examined()
    if as_json:
        print_json({"type": "self", **found})
    else:
        core = "C, compiled" if found["core"] == "c" else f"numpy ({found['core_absent']})"
        say(f"{'ecgedge':18} {found['ecgedge']}, Python {found['python']}, numpy {found['numpy']}")
        say(f"{'core':18} {core}")
        say(f"{'runtimes':18} {', '.join(found['runtimes']) or 'none'}")
        for name, state in found["models"].items():
            say(f"{'model ' + name:18} {state}")
        if found["fault"]:
            say(f"{_MARKS['fault']} {found['fault']}.")
    if found["fault"]:
        raise typer.Exit(1)


def _show(event: WearableEvent) -> None:
    """Print what goes on, a line for each new state of the link and each note."""
    from ecgedge.cli.output import say
    from ecgedge.sinks.words import describe
    from ecgedge_bridge.values import FrameLost, LinkState, Note

    match event:
        case LinkState(state="stopped"):
            return
        case LinkState() | Note() | FrameLost():
            say(f"... {describe(event)}")


def _print(checkup: Checkup) -> None:
    from ecgedge.cli.output import say
    from ecgedge_bridge.checkup.findings import findings

    say()
    for name, value in (*_facts_of_device(checkup), *_facts_of_stream(checkup), *_facts_of_time(checkup)):
        say(f"{name:18} {value}")
    say()
    for finding in findings(checkup):
        say(f"{_MARKS[finding.level]} {finding.text}")
        if finding.level != "fine":
            say(f"        To do: {finding.advice}.")


def _facts_of_device(checkup: Checkup) -> Iterator[tuple[str, str]]:
    if checkup.address:
        yield "device", f"{checkup.name}  {checkup.address}"
    if checkup.profile:
        yield "profile", checkup.profile
    yield from checkup.information.items()
    if checkup.battery_percent is not None:
        yield "battery", f"{checkup.battery_percent} %"
    if checkup.rssi_dbm is not None:
        yield "signal", f"{checkup.rssi_dbm} dBm"


def _facts_of_stream(checkup: Checkup) -> Iterator[tuple[str, str]]:
    stats = checkup.stats
    if checkup.largest_notification:
        size = checkup.largest_notification
        yield "MTU", f"{size + 3} or more (largest notification {size} bytes)"
    if checkup.first_frame_s is not None:
        yield "first data after", f"{checkup.first_frame_s:.2f} s"
        yield "listened for", f"{checkup.seconds:.1f} s"
    if stats.samples:
        yield "samples", f"{stats.samples} received, {stats.lost} lost in {checkup.gaps} gaps"
    if checkup.measurements:
        yield "other values", str(checkup.measurements)


def _facts_of_time(checkup: Checkup) -> Iterator[tuple[str, str]]:
    if checkup.fs_hat:
        yield "sampling rate", f"{checkup.fs_hat:.3f} Hz measured, {checkup.fs:g} Hz nominal"
    if checkup.drift_ppm is not None:
        yield "clock drift", f"{checkup.drift_ppm:+.0f} ppm"
    if checkup.jitter_p95_ms is not None:
        yield (
            "arrival jitter",
            f"{checkup.jitter_p50_ms:.0f} ms median, {checkup.jitter_p95_ms:.0f} ms in 95 %, "
            f"{checkup.jitter_max_ms:.0f} ms at most",
        )
    if checkup.span_mv is not None:
        yield "ECG spans", f"{checkup.span_mv:.2f} mV"
