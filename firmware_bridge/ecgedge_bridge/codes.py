"""Codes of what can go wrong: what a program reads where a person reads the sentence.

An error or an event carries its code and, where there is more to it, a sentence with the figures of the case.
Each code stands here once, with the sentence that holds in every case. Programs may compare with the plain
string (``error.code == "not_found"``); codes stay as they are between releases, sentences may change.

Examples
--------
>>> LinkCode("not_found").sentence
'no such wearable was seen'
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A string with a sentence beside it."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """Make a member of its two parts."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    @classmethod
    def of(cls, code: str) -> Self:
        """Return the member for a string, ``OTHER`` for one that a later version may have written."""
        member = cls._value2member_map_.get(code, cls._value2member_map_["other"])
        assert isinstance(member, cls)
        return member


class LinkCode(Code):
    """Why there is no link: carried by :class:`~ecgedge_bridge.LinkError` and a lost ``LinkState``."""

    # The host.
    NO_ADAPTER = "no_adapter", "there is no Bluetooth adapter that can do this"
    POWERED_OFF = "powered_off", "the Bluetooth adapter is off"
    DENIED = "denied", "the system does not let this program use Bluetooth"
    NO_STACK = "no_stack", "the system's Bluetooth service does not run"
    BUSY = "busy", "the Bluetooth adapter is busy with another scan"
    STACK_FAILED = "stack_failed", "the Bluetooth stack failed"
    # Finding and connecting.
    NOT_FOUND = "not_found", "no such wearable was seen"
    UNREACHABLE = "unreachable", "the wearable was seen, but could not be connected to"
    NEEDS_PAIRING = "needs_pairing", "the wearable wants to be paired"
    # What the device answers.
    NOT_OFFERED = "not_offered", "the device lacks a characteristic that is needed"
    MTU = "mtu", "the connection's ATT MTU is too small for a frame"
    REFUSED = "refused", "the device refused a command"
    RATE_CHANGED = "rate_changed", "the device has changed its sampling rate"
    UNREADABLE = "unreadable", "what the device sends could not be read"
    NO_ANSWER = "no_answer", "nothing answered in time"
    # A link that was up.
    NO_FIRST_FRAME = "no_first_frame", "the measurement was started, but nothing came"
    NO_DATA = "no_data", "data ceased to come"
    LOST = "lost", "the connection was lost"
    ENDED = "ended", "the device ended the measurement"
    OTHER = "other", "the link failed"


class NoteCode(Code):
    """What a :class:`~ecgedge_bridge.Note` is about: the stream goes on, but something is to be known of
    it."""

    OUT_OF_ORDER = "out_of_order", "samples that came twice were dropped"
    LATE_FRAME = "late_frame", "a frame came after its successor: dropped, and counted as lost"
    DROPPED = "dropped", "notifications were dropped, because this program did not take them in time"
    CLOCK_STEP = "clock_step", "the device's clock stepped: what was lost there is an estimate"
    ESTIMATED_LOSS = "estimated_loss", "what was lost with the connection is an estimate"
    POSSIBLE_LOSS = (
        "possible_loss",
        "more time went by than samples came, and this device does not number them",
    )
    NOT_OFFERED = "not_offered", "the device lacks something that was asked for: streaming without it"
    NOT_STARTED = "not_started", "the device refused something that was asked for: streaming without it"
    WRONG_RATE = "wrong_rate", "the device does not stream at the rate that was expected"
    OVERLAP = "overlap", "the device sends its samples twice, in streams that overlap: each is taken once"
    NOT_STOPPED = "not_stopped", "the device did not confirm the end of its measurement"
    UNKNOWN_RATE = "unknown_rate", "the device names a rate that is not known: going on with the profile's"
    FOUND_BY_NAME = "found_by_name", "the device has another address now: it was found by its name"
    UNIT_ASSUMED = "unit_assumed", "the file names no unit: one was assumed from the size of the signal"
    UNIT_DOUBTFUL = "unit_doubtful", "the signal has not the size of an ECG in the unit that the file names"
    RATE_ASSUMED = "rate_assumed", "the file names no rate: that of its maker was assumed"
    RATE_DIFFERS = "rate_differs", "the time stamps do not fit the rate that was given"
    STAMPS_IGNORED = "stamps_ignored", "the time stamps show no rate of an ECG: no loss was counted"
    CUT_LINE = "cut_line", "the file ends in the middle of a line"
    SHORT_FILE = "short_file", "the file is shorter than its header says"
    DECODED = "decoded", "the signal was made again from words: its shapes are approximate"
    UNITS = "units", "the signal has not the size of an ECG in millivolts: give its unit"
    BRIDGED = "bridged", "single missing samples were bridged by straight lines"
    OTHER = "other", "something is to be known of the stream"


class FrameCode(Code):
    """Why bytes could not be read: carried by :class:`~ecgedge_bridge.FrameError` and a ``FrameLost``."""

    LENGTH = "length", "its length fits no layout"
    KIND = "kind", "it is of an unknown kind or version"
    VALUE = "value", "a field holds what cannot be"
    CHECKSUM = "checksum", "its checksum is wrong"
    INCOMPLETE = "incomplete", "a part of it did not come"
    DAMAGED = "damaged", "bytes of a capture were changed or cut off on disk"
    OTHER = "other", "it could not be read"
