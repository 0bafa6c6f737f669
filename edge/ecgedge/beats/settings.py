"""The rules of the beat detector in numbers; ``edge/core/detector.c`` has the same ones."""

from __future__ import annotations

import math

from ecgedge.beats.net import AROUND, FS, HOP, REACH

REFRACTORY_S = 0.22  # of two candidates this close, one is the other's shoulder or T wave
SEARCH_S = 0.02  # the R peak lies this close to the candidate
HEIGHTS = 8  # seconds that the typical height of a QRS is taken from
TALLER = 0.3  # share of these seconds that may hold something taller: an artefact, an ectopic beat
# While no beat comes, the typical height sinks to this share of what it was with the last one, no further: a
# pause is not filled with noise. After FORGET_S the electrode was moved, or another person wears it.
SINK = 0.2
FORGET_S = 15.0
# The level of a wearer's QRS follows each beat by the first share of its difference, in logarithms, and by
# the second alone where that is more than SIMILAR: false beats in a minute of artefact do not make it forget,
# and an electrode that was moved does within some minutes.
FOLLOW, FOLLOW_OTHER = 0.1, 0.004
# A second this much lower than the height so far ends an artefact (or begins a pause). If it is as tall as
# the wearer's QRS, within the factor SIMILAR, the artefact is forgotten at once, not after HEIGHTS seconds.
# Chosen on made ECG with 1 to 60 s of noise, wander, steps and spikes of 3 and 50 mV, at 42 to 120 a minute:
# beats are found again within 0.6 s, and MIT-BIH DS1 with the noise of NSTDB stays as it was.
DROP, SIMILAR = 5.0, 3.0
SHORTEST_S = 0.5  # a segment shorter than this has no beats
CLIP = 3.0  # QRS heights that the network sees at most
LATE = 1.6  # a beat is overdue after this many typical RR intervals
NEAR_S = (0.36, 0.3)  # an overdue beat is at least so far from the beats before and after it
LONGEST_RR_S = 3.0  # what takes longer is a pause, and is no part of the rhythm
# How far apart candidates are, and how far from one its R peak may be, in samples.
APART, SEARCH = round(REFRACTORY_S * FS), round(SEARCH_S * FS)
DELAY = AROUND + APART
"""Samples at a hop's end that the next hop may still change."""

# At a tick the network has spoken about all but the last REACH samples; the sum at a place needs AROUND
# more, its being the highest APART more, and the R peak may lie SEARCH and a fraction before it. Rounded up
# to whole ticks, since nobody looks in between.
LATENCY_S = math.ceil((REACH + DELAY + SEARCH + 1) / HOP) * HOP / FS
# How far back search-back goes: to the last beat before one that is overdue, seen a tick later at most.
LOOK_BACK_S = LATE * LONGEST_RR_S + HOP / FS + LATENCY_S
