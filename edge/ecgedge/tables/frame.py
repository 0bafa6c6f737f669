"""Events as a pandas table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ecgedge.events import Event
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["to_dataframe"]


def to_dataframe(events: Iterable[Event]) -> pd.DataFrame:
    """Put events into a table: a row for each, in their order.

    Parameters
    ----------
    events : iterable of Event
        Of any kinds; a column for each field that one of them has, empty where an event has none.

    Returns
    -------
    pandas.DataFrame
        ``type``, ``sample`` and ``time_s`` first. A dictionary becomes a column for each key
        (``probabilities_A``), a tuple words.

    Raises
    ------
    ConfigError
        pandas is not installed.

    Examples
    --------
    >>> from ecgedge import Beat
    >>> to_dataframe([Beat(130, 1.0, None), Beat(234, 1.8, 800.0, "N")])["rr_ms"].tolist()
    [nan, 800.0]
    """
    try:
        import pandas
    except ImportError as error:
        raise ConfigError("a table of events takes pandas: pip install pandas") from error
    rows = [{"type": type(event).__name__.lower(), **_flat(asdict(event))} for event in events]
    first = ["type", "sample", "time_s", "end_sample", "end_time_s"]
    found = dict.fromkeys(key for row in rows for key in row)
    columns = [*(key for key in first if key in found), *(key for key in found if key not in first)]
    return pandas.DataFrame(rows, columns=columns or first[:3])


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat |= {f"{key}_{name}": inner for name, inner in value.items()}
        else:
            flat[key] = " ".join(map(str, value)) if isinstance(value, tuple) else value
    return flat
