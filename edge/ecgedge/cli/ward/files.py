"""How many files a ward may have open."""

from __future__ import annotations

from contextlib import suppress

from ecgedge_bridge.errors import ConfigError

__all__ = ["allow_open_files"]

# 1,000 wearables, and as much again for receivers
_ENOUGH = 10_000
# A recording has its file, its journal, the index of that, a lock and its folder of marks.
_OF_ONE, _OF_ALL = 5, 40


def allow_open_files(recordings: int) -> None:
    """Let this process open as many files as its user may; the usual 1,024 are 200 recordings.

    Raises
    ------
    ConfigError
        They are not enough for so many recordings.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY:
        return
    wanted = _ENOUGH if most == resource.RLIM_INFINITY else min(most, _ENOUGH)
    with suppress(OSError, ValueError):  # a system that allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))
    allowed, needed = resource.getrlimit(resource.RLIMIT_NOFILE)[0], _OF_ALL + _OF_ONE * recordings
    if recordings and allowed < needed:
        raise ConfigError(
            f"{recordings} recordings need some {needed} open files, and {allowed} are allowed: raise that "
            "('ulimit -n', or LimitNOFILE= of a service)"
        )
