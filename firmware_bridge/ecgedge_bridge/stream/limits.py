"""By how much stamps, counters and arrivals may disagree: the limits of ``timeline.py``."""

from __future__ import annotations

NS = 1e-9
# A forward step of the device clock above this is a set or reset clock, not a loss, where no arrivals tell.
MAX_GAP_S = 3600.0
# A frame this far behind is no late frame but a clock that was set back.
LATE_NS = 3_000_000_000
# Frames that may have come late are held until the next one shows it; a device that only sends such is
# believed.
MAX_HELD = 1024
# A counter is believed if the stamps agree within half a second or 5 %: firmware stamps are coarse.
COUNTER_SLACK_S = 0.5
COUNTER_SLACK = 0.05
# Loss of less than this is jitter of the stamps.
STAMP_SLACK = 2.0
# A frame so late is more than a radio that sends again: an H10's frame is 0.56 s long, and what is lost are
# whole frames. Where the stamps show a loss themselves, arrivals are asked only for what is beyond a second.
WAIT_S, WAIT_AFTER_LOSS_S = 0.5, 1.0
# How long frames have to go on at their pace until it was no stall: after one, all that waited comes at once.
AT_PACE_S = 1.0
MAX_WAITING = 64
# Arrivals cannot tell a loss of less than this from their jitter.
LEAST_LOSS_S = 0.25
# Arrival and stamp of a frame that overlaps with the newest one agree to this.
AGREE_S = 0.15
# A rate beyond so many times the expected one is no rate but wrong stamps.
FASTEST = 8.0
# Two streams that overlap are one no more after so many frames without an overlap.
OVERLAP_FRAMES = 8
# Frames that are known again: 38 minutes of an H10.
KNOWN = 4096
