"""A ward in one process: its wearables, what they share, and what runs until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgedge.cli.options import RecordOptions

if TYPE_CHECKING:
    from ecgedge.cli.live.recorders import OpenRecorder
    from ecgedge.cli.live.web import OpenPage
    from ecgedge.gateway.exchange import Exchange
    from ecgedge.gateway.member import Member
    from ecgedge.gateway.shared import EachOwn, Outlet
    from ecgedge.gateway.ward import Bed, Ward
    from ecgedge.monitor import Models, Monitor
    from ecgedge.service.notify import Systemd
    from ecgedge.sinks.queued import Queued
    from ecgedge.sinks.sink import Sink
    from ecgedge_bridge.link.adapters import Adapters

__all__ = ["OpenWard", "open_ward", "run_ward"]

_TICK_S = 1.0
# What is recorded waits while a disk is busy: half a minute of a ward of hundreds, with its events.
_MOST_RECORDED = 100_000
_CLOSE_S = 30.0


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all wearables write to."""

    models: Models
    page: OpenPage
    outlets: list[Outlet]
    recorders: EachOwn[Any]
    recording: Queued
    shown: Sink


class OpenWard:
    """The wearables of a ward; a new one joins where that is allowed.

    Parameters
    ----------
    ward : Ward
    shared
        What all write to.
    opened : ExitStack
        Closes what a wearable has opened.
    """

    def __init__(self, ward: Ward, shared: _Shared, opened: ExitStack) -> None:
        self._ward, self._shared, self._opened = ward, shared, opened
        self.members: list[tuple[Bed, Member]] = [(bed, self._join(bed)) for bed in ward.wearable]

    def find(self, name: str, address: str) -> Member | None:
        """Return the wearable with that name or address; one that is not known joins, where others may."""
        from ecgedge.gateway.ward import Bed

        wanted = {name.casefold(), address.casefold()} - {""}
        for bed, member in self.members:
            if bed.device.casefold() in wanted:
                return member if bed.reach != "bluetooth" else None
        if not self._ward.others or not name or len(self.members) >= self._ward.most:
            return None
        bed = Bed(name, name)
        member = self._join(bed)
        self.members.append((bed, member))
        return member

    def _join(self, bed: Bed) -> Member:
        from ecgedge.cli.live.marks import Marked, Marks
        from ecgedge.cli.live.streams import in_name
        from ecgedge.cli.monitors import open_monitor
        from ecgedge.cli.output import warn
        from ecgedge.gateway.member import Member
        from ecgedge.gateway.shared import Front
        from ecgedge.sinks.ending import Ending
        from ecgedge.sinks.sink import Several

        ward, shared = self._ward, self._shared
        monitor = open_monitor(models=shared.models, waves=ward.waves, age=bed.age, sex=bed.sex)
        ending = Ending()
        path = Path(in_name(ward.record, bed.name)).expanduser() if ward.record else None
        recorder = self._record(bed, path, monitor)
        marks = self._opened.enter_context(closing(Marks(path)))
        fronts: list[Sink] = [Front(shared.recording, bed.name)] if path else []
        fronts += [outlet.front(bed.name) for outlet in shared.outlets]
        fronts += shared.page.share(bed.name, mark=marks.post, recorder=recorder)
        fronts += [ending, Front(shared.shown, bed.name)]
        return Member(bed.name, monitor, recorder, Marked(Several(fronts), marks), ending, warn)

    def _record(self, bed: Bed, path: Path | None, monitor: Monitor) -> OpenRecorder:
        from ecgedge.cli.live.recorders import open_recorder

        ward = self._ward
        options = RecordOptions(path, ward.daily, ward.keep_days, ward.keep_mb)
        facts = {"device": bed.name, "wearable": bed.device, "waves": ward.waves}
        recorder = open_recorder(options, monitor, facts, commit_s=ward.commit_s)
        self._shared.recorders.put(bed.name, recorder)
        return recorder


def open_ward(ward: Ward, opened: ExitStack, *, as_json: bool) -> tuple[OpenWard, list[Outlet]]:
    """Open all that a ward writes, sends and shows; ``opened`` closes it.

    Raises
    ------
    ConfigError
        Something of it cannot be opened.
    """
    from ecgedge.cli.live.web import WebOptions, open_page
    from ecgedge.cli.output import apart, open_lines, warn
    from ecgedge.gateway.shared import REST_S, EachOwn, open_shared
    from ecgedge.monitor import Models
    from ecgedge.sinks.queued import Queued
    from ecgedge.sinks.sink import Of

    models = Models.load(ward.backend, rhythm=Path(ward.model) if ward.model else None)
    token = Path(ward.web_token) if ward.web_token else None
    page = opened.enter_context(open_page(WebOptions(ward.web, ward.web_at, token), ward.title))
    outlets = [opened.enter_context(closing(open_shared(one, ward.title, warn))) for one in ward.send]
    recorders: EachOwn[Any] = EachOwn()
    recording = Queued(
        recorders, "recording", tell=warn, kinds=(Of,), most=_MOST_RECORDED, close_s=_CLOSE_S, rest_s=REST_S
    )
    opened.enter_context(closing(recording))
    opened.enter_context(closing(page))
    lines = EachOwn(lambda name: open_lines(as_json, name))
    shown = opened.enter_context(closing(apart(lines, REST_S)))
    shared = _Shared(models, page, outlets, recorders, recording, shown)
    return OpenWard(ward, shared, opened), outlets


def count(
    opened: OpenWard, exchange: Exchange | None, outlets: list[Outlet], adapters: Adapters | None
) -> None:
    """Add the gateway's own figures to what Prometheus is shown."""
    from ecgedge.gateway.tally import Tally
    from ecgedge.sinks.outlets.metrics import Metrics

    def missed() -> dict[str, int]:
        return {outlet.name: outlet.missed for outlet in outlets}

    def members() -> list[Member]:
        return [member for _, member in opened.members]

    def links() -> dict[str, int]:
        return {} if adapters is None else adapters.held

    for outlet in outlets:
        if isinstance(outlet.sink, Metrics):
            outlet.sink.registry.register(Tally(members, exchange, missed, links))


async def run_ward(ward: Ward, opened: OpenWard, exchange: Exchange | None, outlets: list[Outlet]) -> None:
    """Run a ward until cancelled; then take what is pending of each wearable.

    Raises
    ------
    EcgEdgeError
        Bluetooth cannot be used, or not with one of the wearables as it is described.
    """
    from ecgedge.cli.output import warn
    from ecgedge.gateway.reach import links_of, open_adapters
    from ecgedge.service.notify import Systemd

    systemd = Systemd()
    try:
        async with open_adapters(ward, warn) as adapters, asyncio.TaskGroup() as running:
            count(opened, exchange, outlets, adapters)
            running.create_task(_tick(opened, systemd))
            if exchange is not None:
                running.create_task(exchange.run())
            for link in links_of(opened.members, adapters, warn) if adapters is not None else ():
                running.create_task(link.run())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        for _, member in opened.members:
            member.finish()
        systemd.close()


async def _tick(opened: OpenWard, systemd: Systemd) -> None:
    """See each second that nothing is waited for in vain, and that the service manager knows of us."""
    loop = asyncio.get_running_loop()
    while True:
        for _, member in opened.members:
            member.take(member.arrivals.tick(loop.time()))
        live = sum(member.is_live for _, member in opened.members)
        systemd.alive(f"{live} of {len(opened.members)} wearables")
        await asyncio.sleep(_TICK_S)
