"""The summary in plain words, which stands first."""

from __future__ import annotations

from collections.abc import Iterator

from ecgedge.events import Ectopy
from ecgedge.report.findings.values import Ectopics, Findings
from ecgedge.report.page.telling import When, count, length, number, percent, times
from ecgedge.sinks.words import name
from ecgedge.summary import PAUSE_S

__all__ = ["rhythm_at", "sentences"]

_WORTH = 0.005  # of the time: what is rarer is in the table alone


def sentences(found: Findings, when: When) -> Iterator[str]:
    """Say what matters, the most important first, each in a sentence or two."""
    yield _recorded(found)
    if found.summary.usable:
        yield _rhythm(found)
        yield _heart_rate(found, when)
    yield _af(found, when)
    if found.summary.beats:
        yield _ventricular(found, when)
        yield _supraventricular(found, when)
        yield _pauses(found, when)
    yield from _marks(found, when)


def rhythm_at(found: Findings, time_s: float) -> str:
    """Say what the rhythm was at a moment."""
    for span in found.rhythms:
        if span.start_s <= time_s < span.end_s:
            return name(span.kind)
    return "no rhythm could be told"


def _recorded(found: Findings) -> str:
    if not found.signal_s:
        return "Nothing was recorded: there is no signal in it."
    words = f"{length(found.signal_s)} of ECG recorded"
    if found.gap_count:
        missing = max(found.seconds - found.signal_s, 0.0)
        words += f" in {length(found.seconds)}; {length(missing)} {'is' if missing == 1 else 'are'} missing"
        words += f" in {count(found.gap_count, 'gap')}"
    usable = found.summary.usable
    if usable is None:
        return f"{words}. That is too short to be judged."
    if not usable:
        return f"{words}. None of it could be read: it is too noisy."
    return (
        f"{words}. {_capital(percent(usable))} of it could be read, the rest was too noisy."
        if usable < 1
        else f"{words}. All of it could be read."
    )


def _capital(text: str) -> str:
    return {"<1 %": "Less than 1 %", ">99 %": "More than 99 %"}.get(text, text)


def _rhythm(found: Findings) -> str:
    shares = found.summary.rhythms
    named_s = sum(span.end_s - span.start_s for span in found.rhythms)
    if not named_s:
        return "It is too short, or too noisy, for its rhythm to be told."
    off = found.off_rate_s / named_s
    parts = {"sinus rhythm": shares.get("N", 0.0) + off, name("A"): shares.get("A", 0.0)}
    parts |= {"another rhythm": shares.get("O", 0.0) - off, "noise": shares.get("~", 0.0)}
    told = sorted((item for item in parts.items() if item[1] > _WORTH), key=lambda one: -one[1])
    listed = ", ".join(f"{what} {percent(share)}" for what, share in told)
    words = f"Rhythm, as far as it could be read: {listed}."
    if parts["another rhythm"] > _WORTH:
        words += (
            " Another rhythm is neither normal sinus rhythm nor atrial fibrillation: frequent extra beats, "
            "blocks, other arrhythmias."
        )
    return words


def _heart_rate(found: Findings, when: When) -> str:
    bpm = found.summary.heart_rate_bpm
    if bpm is None:
        return ""
    words = f"The heart beat {bpm:.0f} times a minute on average"
    if found.slowest is None or found.fastest is None or found.slowest == found.fastest:
        return f"{words}."
    slow, fast = found.slowest, found.fastest
    return (
        f"{words}: {slow.bpm:.0f} in the slowest minute ({when.minute(slow.start_s)}), "
        f"{fast.bpm:.0f} in the fastest ({when.minute(fast.start_s)})."
    )


def _af(found: Findings, when: When) -> str:
    summary = found.summary
    if summary.af is None:
        why = "that takes 10 s of readable signal and a clear rhythm"
        return f"Whether there was atrial fibrillation cannot be told: {why}." if found.signal_s else ""
    if not summary.af:
        return "No atrial fibrillation, in all that could be told."
    longest = max(found.episodes, key=lambda one: one.end_s - one.start_s)
    episodes = count(len(found.episodes), "episode")
    begun = f"from {when(longest.start_s)}"
    share = f"{percent(summary.af_burden)} of the time in which it could be told or ruled out"
    if len(found.episodes) == 1:
        return f"Atrial fibrillation in 1 episode of {length(summary.longest_af_s)}, {begun}: {share}."
    longest_s = length(summary.longest_af_s)
    return f"Atrial fibrillation in {episodes}, {share}; the longest {longest_s}, {begun}."


def _ventricular(found: Findings, when: When) -> str:
    return _ectopy("ventricular", found.summary.ventricular, found.ventricular, found.summary.beats, when)


def _supraventricular(found: Findings, when: When) -> str:
    outside = " outside of atrial fibrillation" if found.summary.af else ""
    words = _ectopy(
        "supraventricular", found.summary.supraventricular, found.supraventricular, found.summary.beats, when
    )
    return words.replace("extra beats", f"extra beats{outside}", 1)


def _ectopy(kind: str, counted: Ectopy, found: Ectopics, beats: int, when: When) -> str:
    if not counted.beats:
        return f"No {kind} extra beats."
    share = percent(counted.beats / beats)
    words = f"{count(counted.beats, f'{kind} extra beat')}"
    hourly = "" if counted.per_hour is None else f"{number(counted.per_hour)} an hour, "
    words += f" ({hourly}{share} of all beats)"
    more = [count(counted.couplets, "couplet")] * bool(counted.couplets)
    if counted.runs and found.longest_run:
        longest = f"of {counted.longest_run} beats at {when(found.longest_run.start_s)}"
        more.append(
            f"1 run {longest}" if counted.runs == 1 else f"{counted.runs} runs, the longest {longest}"
        )
    more += [f"bigeminy {times(found.bigeminy)}"] * bool(found.bigeminy)
    more += [f"trigeminy {times(found.trigeminy)}"] * bool(found.trigeminy)
    return f"{words}{': ' + ', '.join(more) if more else ''}."


def _pauses(found: Findings, when: When) -> str:
    longest, n = found.longest, found.summary.pauses
    if longest is None:
        return ""
    at = f"{longest.seconds:.1f} s at {when(longest.start_s)}"
    if not n:
        return f"No pause over {PAUSE_S:g} s."
    return (
        f"{count(n, 'pause')} over {PAUSE_S:g} s, the longest {at}."
        if n > 1
        else f"1 pause over {PAUSE_S:g} s: {at}."
    )


def _marks(found: Findings, when: When) -> Iterator[str]:
    if not found.mark_count:
        return
    told = [
        f"{when(mark.time_s)}{f' “{mark.text}”' if mark.text else ''} ({rhythm_at(found, mark.time_s)})"
        for mark in found.marks[:5]
    ]
    more = f" and {found.mark_count - len(told)} more" if found.mark_count > len(told) else ""
    yield f"The wearer marked {count(found.mark_count, 'moment')}: {'; '.join(told)}{more}."
