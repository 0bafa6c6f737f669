"""ecgedge: single-lead ECG intelligence on the wearer's own hardware.

Names are imported when they are first used, so that ``ecgedge --help`` answers at once and replaying a file
needs no Bluetooth.

>>> import numpy as np
>>> import ecgedge
>>> ecgedge.classify(np.zeros(3000), fs=100).label
'~'
"""

from __future__ import annotations

from ecgedge_bridge.lazy import LazyNames

__version__ = "0.1.0"

# Every public name, by the module that it lives in. For type checkers `python tests/packaging/stubs.py`
# writes the same into __init__.pyi.
_names = LazyNames(
    __name__,
    {
        "ecgedge": "tokens",
        "ecgedge.events": (
            "Battery Beat Event FrameLost Gap Hrv Intervals LinkState Mark Note Quality "
            "Rhythm Summary Waves Word"
        ),
        "ecgedge.fleet": "Fleet",
        "ecgedge.leads.reconstruct": "LeadReconstructor ReconstructionWarning reconstruct_leads",
        "ecgedge.monitor": "Models Monitor",
        "ecgedge.recording": "Recording load read",
        "ecgedge.recording.database.recorder": "Recorder",
        "ecgedge.recording.database.stored": "Session StoredRecording",
        "ecgedge.report.plotting": "plot_strip",
        "ecgedge.rhythm.wearer": "Wearer",
        "ecgedge.summary": "Summarizer",
        "ecgedge.tables.frame": "to_dataframe",
        "ecgedge.whole_recording": (
            "Beats Classification Wave assess_quality classify classify_beats delineate detect_beats "
            "summarize"
        ),
        "ecgedge_bridge.errors": "ConfigError EcgEdgeError FrameError LinkError ModelError",
        "ecgedge_bridge.link.bleak_radio": "connect scan",
        "ecgedge_bridge.values": "SampleBlock",
    },
)
__all__ = _names.all
__getattr__ = _names.load
__dir__ = _names.dir
