"""From probabilities to the borders of one beat."""

import numpy as np
import pytest

from ecgedge.waves.borders import BeatSpans, Bounds, Span, spans

N = 144
LEAST = {"p": 3.0, "qrs": 2.0, "t": 3.0}
ALONE = Bounds(peak=56, start=0, end=N, before=0, after=N)


def probability(*waves):
    """A class with half-sample borders: (start, end) is from start - 0.5 to end - 0.5."""
    p = np.zeros(N, np.float32)
    for start, end in waves:
        p[start:end] = 1.0
    return p


def found(p=(), qrs=(), t=(), at=ALONE, least=LEAST):
    return spans({"p": probability(*p), "qrs": probability(*qrs), "t": probability(*t)}, at, least)


def test_a_beat_has_its_three_waves():
    assert found([(35, 45)], [(52, 61)], [(75, 96)]) == BeatSpans(
        Span(34.5, 44.5), Span(51.5, 60.5), Span(74.5, 95.5)
    )


@pytest.mark.parametrize(("inside", "outside", "away"), [(1.0, 0.0, 0.5), (0.9, 0.4, 0.8), (0.6, 0.1, 0.2)])
def test_a_border_lies_where_half_of_the_probability_is_crossed(inside, outside, away):
    qrs = probability((52, 61))
    qrs[52], qrs[51] = inside, outside
    none = probability()
    onset = spans({"p": none, "qrs": qrs, "t": none}, ALONE, LEAST).qrs.onset
    assert onset == pytest.approx(52 - away)


def test_without_a_complex_at_the_r_peak_nothing_is_found():
    assert found([(35, 45)], [(62, 70)], [(75, 96)]) == BeatSpans()
    assert found([(35, 45)], [], [(75, 96)]) == BeatSpans()
    assert found([(35, 45)], [(60, 70)], [(75, 96)]).qrs == Span(59.5, 69.5)  # 40 ms behind the peak


def test_the_p_wave_next_to_the_complex_and_the_first_t_wave_behind_it_are_the_beats_own():
    beat = found([(5, 12), (35, 45), (100, 110)], [(52, 61)], [(20, 30), (75, 96), (120, 130)])
    assert beat.p == Span(34.5, 44.5)
    assert beat.t == Span(74.5, 95.5)


def test_waves_beyond_a_neighbour_are_the_neighbours():
    beat = found([(5, 12)], [(15, 23), (52, 61), (100, 110)], [(120, 130)])
    assert beat == BeatSpans(None, Span(51.5, 60.5), None)
    detected = Bounds(peak=56, start=0, end=N, before=15.2, after=104.8)
    assert found([(5, 12)], [(52, 61)], [(107, 130)], at=detected) == BeatSpans(None, Span(51.5, 60.5), None)


def test_what_is_short_is_a_doubt_and_no_wave():
    assert found([(40, 42)], [(52, 61)], [(75, 77)]) == BeatSpans(None, Span(51.5, 60.5), None)
    brief = {"p": 2.0, "qrs": 2.0, "t": 2.0}
    assert found([(40, 42)], [(52, 61)], [(75, 77)], least=brief).p == Span(39.5, 41.5)


def test_a_border_beyond_the_window_or_the_signal_is_not_seen():
    beat = found([(0, 12)], [(52, 61)], [(120, N)])
    assert (beat.p, beat.t) == (Span(None, 11.5), Span(119.5, None))
    cut = Bounds(peak=56, start=38, end=90, before=0, after=N)
    beat = found([(30, 45)], [(52, 61)], [(75, 96)], at=cut)
    assert beat == BeatSpans(Span(None, 44.5), Span(51.5, 60.5), Span(74.5, None))


def test_nothing_is_seen_where_there_is_no_signal():
    cut = Bounds(peak=56, start=50, end=70, before=0, after=N)
    assert found([(30, 45)], [(52, 61)], [(75, 96)], at=cut) == BeatSpans(None, Span(51.5, 60.5), None)
