"""Twelve leads of streams and recordings: identities, gaps, rates, cuts, the warning."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import ConfigError, LeadReconstructor, ReconstructionWarning, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.leads.features import LEADS

pytestmark = pytest.mark.filterwarnings("ignore::ecgedge.ReconstructionWarning")


def ecg(fs=130.0, seconds=12.0, seed=1):
    return synthesize([Segment("sinus", seconds, 70.0)], fs, seed=seed).mv


def joined(blocks):
    """Leads of blocks as they were, by their first samples."""
    return {b.sample: np.stack(list(b.leads.values())) for b in blocks}


def test_a_recording_gets_twelve_leads_of_its_own_length():
    mv = ecg()
    leads = ecgedge.reconstruct_leads(mv, 130.0)
    assert tuple(leads) == LEADS
    assert {values.shape for values in leads.values()} == {mv.shape}
    assert {values.dtype for values in leads.values()} == {np.dtype(np.float32)}
    assert not any(np.isnan(values).any() for values in leads.values())


def test_identities_hold_exactly():
    leads = ecgedge.reconstruct_leads(ecg(), 130.0)
    one, two = leads["I"], leads["II"]
    np.testing.assert_array_equal(leads["III"], two - one)
    np.testing.assert_array_equal(leads["aVR"], -(one + two) / 2)
    np.testing.assert_array_equal(leads["aVL"], one - two / 2)
    np.testing.assert_array_equal(leads["aVF"], two - one / 2)


@pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 250.0, 360.0, 499.31, 1000.0])
def test_leads_lie_where_the_beats_are_at_every_rate(fs):
    mv = ecg(fs)
    leads = ecgedge.reconstruct_leads(mv, fs)
    assert len(leads["V5"]) == len(mv)
    # Lead I is the measured one behind the filters, in its place: nothing is late.
    inner = slice(round(fs), -round(fs))
    assert np.corrcoef(leads["I"][inner], mv[inner])[0, 1] > 0.95
    peaks = ecgedge.detect_beats(mv, fs)
    inner_peaks = peaks[(peaks > fs) & (peaks < len(mv) - fs)]
    reach = round(0.05 * fs)
    for peak in inner_peaks:  # lead I and lead V5 look at the same side of the heart
        near = leads["V5"][peak - 2 * reach : peak + 2 * reach]
        assert abs(int(near.argmax()) - 2 * reach) <= reach


def test_a_warning_says_what_they_are_worth():
    with pytest.warns(ReconstructionWarning, match="never measured") as told:
        ecgedge.reconstruct_leads(ecg(), 130.0)
    text = str(told[0].message)
    assert "correlation" in text
    assert "never for a diagnosis" in text
    assert told[0].filename == __file__
    assert LeadReconstructor().warning == text


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.sampled_from([130.0, 250.0]))
def test_cuts_change_nothing(cuts, fs):
    mv = ecg(fs, 9.0)
    whole = LeadReconstructor(fs=fs)
    expected = joined(whole.feed(mv) + whole.finish())
    stream, blocks = LeadReconstructor(fs=fs), []
    for part in np.split(mv, np.unique(np.minimum(np.cumsum(cuts), len(mv)))):
        blocks += stream.feed(part)
    found = joined(blocks + stream.finish())
    assert found.keys() == expected.keys()
    for sample, values in expected.items():
        np.testing.assert_array_equal(found[sample], values)


def test_one_sample_at_a_time_is_the_same():
    mv = ecg(130.0, 5.0)
    whole, stream = LeadReconstructor(), LeadReconstructor(fs=130.0)
    expected = joined(whole.feed(SampleBlock(mv, 130.0)) + whole.finish())
    found = joined([b for x in mv for b in stream.feed([x])] + stream.finish())
    assert all(np.array_equal(found[sample], values) for sample, values in expected.items())


def test_gaps_stay_gaps_and_bridges_too():
    mv = ecg(130.0, 20.0)
    mv[800:1000] = np.nan
    mv[1500] = np.nan
    mv[1501] = np.inf
    leads = ecgedge.reconstruct_leads(mv, 130.0)
    for values in leads.values():
        np.testing.assert_array_equal(np.isnan(values), ~np.isfinite(mv))


def test_each_side_of_a_gap_is_guessed_on_its_own():
    mv = ecg(130.0, 20.0)
    mv[1300:1430] = np.nan
    leads = ecgedge.reconstruct_leads(mv, 130.0)
    first = ecgedge.reconstruct_leads(mv[:1300], 130.0)
    second = ecgedge.reconstruct_leads(mv[1430:], 130.0)
    np.testing.assert_array_equal(leads["V3"][:1300], first["V3"])
    np.testing.assert_array_equal(leads["V3"][1430:], second["V3"])


def test_less_than_a_second_between_gaps_gets_no_leads():
    mv = ecg(130.0, 10.0)
    mv[400:420] = mv[520:540] = np.nan
    leads = ecgedge.reconstruct_leads(mv, 130.0)
    assert np.isnan(leads["V1"][400:540]).all()
    assert not np.isnan(leads["V1"][:400]).any()
    assert not np.isnan(leads["V1"][540:]).any()


@pytest.mark.parametrize("n", [0, 1, 5, 128, 131, 300])
def test_short_recordings_have_their_length(n):
    leads = ecgedge.reconstruct_leads(ecg()[:n], 130.0)
    assert {len(values) for values in leads.values()} == {n}
    assert np.isnan(leads["V1"]).all() == (n < 130)


def test_blocks_of_a_stream_come_in_order_and_in_one_piece():
    mv, stream = ecg(250.0, 30.0), LeadReconstructor()
    blocks = stream.feed(SampleBlock(mv, 250.0, 1000)) + stream.finish()
    assert blocks[0].sample == 1000
    assert all(a.sample + len(a.leads["I"]) == b.sample for a, b in pairwise(blocks))
    assert blocks[-1].sample + len(blocks[-1].leads["I"]) == 1000 + len(mv)


def test_a_stream_is_late_by_less_than_three_seconds_and_holds_no_more():
    stream, mv, given = LeadReconstructor(fs=130.0), ecg(130.0, 60.0), 0
    for start in range(0, 60 * 130, 73):
        for block in stream.feed(mv[start : start + 73]):
            given = block.sample + len(block.leads["I"])
        assert start < 4 * 130 or (start + 73 - given) / 130.0 < 3.0


def test_a_reset_stream_knows_nothing_of_the_one_before():
    stream, mv = LeadReconstructor(), ecg()
    first = joined(stream.feed(SampleBlock(mv, 130.0)) + stream.finish())
    stream.feed(SampleBlock(ecg(seed=5)[:700], 130.0, 5000))
    stream.reset()
    again = joined(stream.feed(SampleBlock(mv, 130.0)) + stream.finish())
    assert again.keys() == first.keys()
    assert all(np.array_equal(again[sample], values) for sample, values in first.items())


def test_guesses_grow_with_the_signal():
    mv = ecg()
    once, twice = (ecgedge.reconstruct_leads(gain * mv, 130.0)["V5"] for gain in (0.7, 1.4))
    assert 1.1 < np.ptp(twice) / np.ptp(once) < 2.2


@pytest.mark.parametrize(
    ("mv", "fs", "error", "says"),
    [
        (np.zeros((2, 500)), 130.0, ValueError, "one lead"),
        (np.array(["a"] * 500), 130.0, TypeError, "numbers"),
        (np.zeros(500, complex), 130.0, TypeError, "numbers"),
        (np.zeros(500), 5.0, ConfigError, "outside 50 to 4000"),
        (np.zeros(500), float("nan"), ConfigError, "outside 50 to 4000"),
        (np.zeros(500), None, ValueError, "no rate"),
    ],
)
def test_what_is_no_recording_is_refused(mv, fs, error, says):
    with pytest.raises(error, match=says):
        ecgedge.reconstruct_leads(mv, fs)


@pytest.mark.parametrize("made", [np.full(1000, 1e30), np.full(1000, np.nan), 1e9 * np.ones(1000)])
def test_what_is_no_ecg_gives_no_number_that_is_none(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReconstructionWarning)
        leads = ecgedge.reconstruct_leads(made, 130.0)
    assert all(np.isfinite(v).all() or np.isnan(v).all() for v in leads.values())


def test_raw_counts_do_not_make_kilovolts():
    leads = ecgedge.reconstruct_leads(1000 * ecg(), 130.0)
    assert np.abs(leads["V3"]).max() < 20
