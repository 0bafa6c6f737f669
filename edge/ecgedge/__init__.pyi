# Written by `python tests/packaging/stubs.py` from the table in __init__.py.

from ecgedge import tokens as tokens
from ecgedge.events import Battery as Battery
from ecgedge.events import Beat as Beat
from ecgedge.events import Event as Event
from ecgedge.events import FrameLost as FrameLost
from ecgedge.events import Gap as Gap
from ecgedge.events import Hrv as Hrv
from ecgedge.events import Intervals as Intervals
from ecgedge.events import LinkState as LinkState
from ecgedge.events import Note as Note
from ecgedge.events import Quality as Quality
from ecgedge.events import Rhythm as Rhythm
from ecgedge.events import Summary as Summary
from ecgedge.events import Waves as Waves
from ecgedge.events import Word as Word
from ecgedge.leads.reconstruct import LeadReconstructor as LeadReconstructor
from ecgedge.leads.reconstruct import ReconstructionWarning as ReconstructionWarning
from ecgedge.leads.reconstruct import reconstruct_leads as reconstruct_leads
from ecgedge.monitor import Models as Models
from ecgedge.monitor import Monitor as Monitor
from ecgedge.recording import Recording as Recording
from ecgedge.recording import load as load
from ecgedge.recording import read as read
from ecgedge.rhythm.wearer import Wearer as Wearer
from ecgedge.summary import Summarizer as Summarizer
from ecgedge.whole_recording import Beats as Beats
from ecgedge.whole_recording import Classification as Classification
from ecgedge.whole_recording import Wave as Wave
from ecgedge.whole_recording import assess_quality as assess_quality
from ecgedge.whole_recording import classify as classify
from ecgedge.whole_recording import classify_beats as classify_beats
from ecgedge.whole_recording import delineate as delineate
from ecgedge.whole_recording import detect_beats as detect_beats
from ecgedge.whole_recording import summarize as summarize
from ecgedge_bridge.errors import ConfigError as ConfigError
from ecgedge_bridge.errors import EcgEdgeError as EcgEdgeError
from ecgedge_bridge.errors import FrameError as FrameError
from ecgedge_bridge.errors import LinkError as LinkError
from ecgedge_bridge.errors import ModelError as ModelError
from ecgedge_bridge.link.bleak_radio import connect as connect
from ecgedge_bridge.link.bleak_radio import scan as scan
from ecgedge_bridge.values import SampleBlock as SampleBlock

__version__: str
