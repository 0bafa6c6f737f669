"""What cannot be measured here, and why: ``{"skipped": reason}`` then takes the place of figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")


class NotMeasuredError(Exception):
    """What cannot be measured here, and why."""


def or_skipped(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What the work returns, or the reason why it could not be done."""
    try:
        return work(*arguments, **named)
    except NotMeasuredError as error:
        return {"skipped": str(error)}


def skipped(found: Any) -> bool:
    """Whether a reason stands in the place of figures."""
    return isinstance(found, dict) and "skipped" in found


def at_hand(data_set: str, work: Callable[..., R], *arguments: Any) -> R:
    """What the work makes of a data set.

    Raises
    ------
    NotMeasuredError
        The data set is not at hand.
    """
    from ecgedge_bridge.errors import ConfigError  # a rival's process has no ecgedge

    try:
        return work(*arguments)
    except ConfigError:
        # Its message names folders of this machine, which are nobody else's business.
        raise NotMeasuredError(f"{data_set} is not at hand: ecgedge-export data fetch {data_set}") from None
