"""Polar's notifications of ECG and acceleration to blocks."""

from __future__ import annotations

import numpy as np

from ecgedge_bridge.protocols.bits import MILLI
from ecgedge_bridge.protocols.polar.control import ACC_FS, ECG_FS
from ecgedge_bridge.protocols.polar.frames import decode_acc_frame, decode_ecg_frame
from ecgedge_bridge.stream.decoder import DatedDecoder
from ecgedge_bridge.stream.timeline import Placed
from ecgedge_bridge.values import Acceleration


class PolarEcgDecoder(DatedDecoder):
    """Turn PMD ECG notifications into :class:`SampleBlock` values.

    What was lost follows from the device's timestamps. Parameters and errors are those of
    :class:`BlockDecoder`; the true rate is estimated from the timestamps.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame
    >>> decoder = PolarEcgDecoder()
    >>> (block,) = decoder.receive_data(encode_ecg_frame(10**9, np.array([500, -500])), host_time_s=0.0)
    >>> block.samples.tolist()
    [0.5, -0.5]
    """

    def __init__(self, device: str = "", fs: float = ECG_FS) -> None:
        super().__init__(device, fs)

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        frame = decode_ecg_frame(data)
        mv = frame.microvolt.astype(np.float32)
        mv /= MILLI
        return self._index.place(mv, frame.time_ns, host_time_s)


class PolarAccDecoder(DatedDecoder):
    """Turn PMD notifications of acceleration into :class:`~ecgedge_bridge.values.Acceleration` values.

    Parameters
    ----------
    device : str
        Name that the values carry.
    fs : float
        Nominal sampling rate in Hz, as it was asked for in the start command.
    factor : float
        ``Setting.FACTOR`` of the reply to the start command, if there was one.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.protocols.polar.frames import encode_acc_frame
    >>> decoder = PolarAccDecoder()
    >>> (block,) = decoder.receive_data(encode_acc_frame(10**9, np.array([[0, 0, 1000]])), host_time_s=0.0)
    >>> block.samples.tolist()
    [[0.0, 0.0, 1.0]]
    """

    block = Acceleration

    def __init__(self, device: str = "", fs: float = ACC_FS, factor: float = 1.0) -> None:
        super().__init__(device, fs)
        self.factor = factor

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        frame = decode_acc_frame(data, self.factor)
        g = frame.milli_g
        g /= MILLI
        return self._index.place(g, frame.time_ns, host_time_s)
