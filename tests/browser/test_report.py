"""The report in a real browser: its numbers are those of the events, it prints to scale, it asks nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devtools import Page

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter

PX_MM = 96 / 25.4  # what CSS calls a millimetre
PAGE_PX = 190 * PX_MM  # A4 less its margins


@dataclass(frozen=True)
class Made:
    """A report, and what the events of its recording come to."""

    file: Path
    summary: ecgedge.Summary
    beats: list[ecgedge.Beat]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Ectopic beats, noise, a gap and fibrillation, six minutes in all; by the command as it is typed."""
    from typer.testing import CliRunner

    from ecgedge.cli.app import app

    folder = tmp_path_factory.mktemp("report")
    parts = [Segment("pvc", 150.0, 70.0), Segment("noise", 30.0, 70.0), Segment("af", 180.0, 95.0)]
    mv = synthesize(parts, 130.0, seed=4).mv.astype(np.float32)
    source = folder / "<b>rec & co.csv"
    with CsvWriter(source) as writer:
        writer.write(ecgedge.SampleBlock(mv[:10_000], fs=130.0, sample=0))
        writer.write(ecgedge.SampleBlock(mv[10_400:], fs=130.0, sample=10_400))
    page = folder / "report.html"
    done = CliRunner().invoke(app, ["report", str(source), "-o", str(page)])
    assert done.exit_code == 0, done.output
    monitor, summarizer = ecgedge.Monitor(), ecgedge.Summarizer()
    events = [event for block in ecgedge.read(source) for event in monitor.feed(block)] + monitor.finish()
    summarizer.take(events)
    return Made(page, summarizer.summary(), [e for e in events if isinstance(e, ecgedge.Beat)])


# Of each block of figures its names and values.
FIGURES = """Object.fromEntries([...document.querySelectorAll('.facts')].map(block => [
    block.querySelector('h3').textContent,
    Object.fromEntries([...block.querySelectorAll('dl > div')].map(
        row => [row.querySelector('dt').textContent, row.querySelector('dd').textContent]))
]))"""


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text.split(" at ")[0]))


def test_its_numbers_are_those_of_the_events(page: Page, made: Made) -> None:
    page.open(made.file)
    told: dict[str, dict[str, Any]] = page.evaluate(FIGURES)
    summary = made.summary
    assert summary.ventricular.beats > 5
    assert summary.af
    assert number(told["Recording"]["beats"]) == summary.beats
    assert number(told["Recording"]["samples missing"]) == summary.lost == 400
    assert number(told["Recording"]["readable"]) == round(100 * (summary.usable or 0))
    assert number(told["Heart rate"]["mean"]) == round(summary.heart_rate_bpm or 0)
    assert number(told["Heart rate"]["slowest minute"]) == round(summary.slowest_bpm or 0)
    assert number(told["Heart rate"]["fastest minute"]) == round(summary.fastest_bpm or 0)
    assert number(told["Rhythm"]["AF burden"]) == round(100 * (summary.af_burden or 0))
    assert number(told["Ventricular beats (VEB)"]["beats"]) == summary.ventricular.beats
    assert number(told["Supraventricular (SVEB)"]["beats"]) == summary.supraventricular.beats
    assert number(told["Pauses"]["over 2 s"]) == summary.pauses


def test_each_mark_on_a_strip_is_a_beat_of_the_events(page: Page, made: Made) -> None:
    """Of all strips, by the seconds on their axes: the letters and dots are where the events are."""
    page.open(made.file)
    strips = page.evaluate(
        """[...document.querySelectorAll('svg.ecg')].filter(s => s.querySelector('rect.paper')).map(s => ({
            axis: [...s.querySelectorAll('text.faint')].map(t => [t.textContent, t.x.baseVal[0].value])
                .filter(([word]) => /^\\d+:\\d\\d$/.test(word)),
            marks: [...s.querySelectorAll('circle')].map(c => ['N', c.cx.baseVal.value]).concat(
                [...s.querySelectorAll('text[font-weight][text-anchor]')]
                    .map(t => [t.textContent, t.x.baseVal[0].value])),
            right: s.viewBox.baseVal.width
        }))"""
    )
    assert len(strips) > 5
    seen = 0
    for strip in strips:
        (word, at), *_ = strip["axis"]
        minutes, seconds = word.split(":")
        zero = 60 * int(minutes) + int(seconds) - at / 25
        marks = sorted((zero + x / 25, symbol) for symbol, x in strip["marks"])
        begin, end = zero + 10 / 25, zero + strip["right"] / 25
        beats = [(b.time_s, b.symbol or "?") for b in made.beats if begin - 1e-3 <= b.time_s < end - 1e-3]
        assert [symbol for _, symbol in marks] == [symbol for _, symbol in beats]
        assert [time for time, _ in marks] == pytest.approx([time for time, _ in beats], abs=0.002)
        seen += len(marks)
    assert seen > 50


def test_it_fetches_nothing_runs_nothing_and_complains_of_nothing(page: Page, made: Made) -> None:
    page.open(made.file)
    assert page.requests() == []
    assert page.complaints() == []
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.querySelectorAll('h1 b, p b').length") == 0  # the file's name is text
    assert "<b>rec & co.csv" in page.evaluate("document.body.textContent")


def test_it_prints_on_a4_with_paper_to_scale(page: Page, made: Made) -> None:
    page.screen(round(PAGE_PX), 1000, media="print")
    page.open(made.file)
    pulses = page.evaluate(
        """[...document.querySelectorAll('svg.ecg')].filter(s => s.querySelector('rect.paper')).map(s => {
            const pulse = s.querySelector('path.trace'), box = pulse.getBBox(), m = pulse.getScreenCTM();
            return [box.height * m.d, 25 * m.a, s.getBoundingClientRect().right];
        })"""
    )
    assert pulses
    for millivolt, second, right in pulses:
        assert millivolt == pytest.approx(37.8, abs=0.02)  # 10 mm at 96 dots an inch
        assert second == pytest.approx(25 * PX_MM, abs=0.02)
        assert right <= PAGE_PX + 0.5
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PAGE_PX + 0.5
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf())
    assert 2 <= len(boxes) <= 8
    for box in boxes:
        assert [float(points) / 72 * 25.4 for points in box] == pytest.approx([210, 297], abs=0.5)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_screen_scrolls_sideways(page: Page, made: Made, width: int) -> None:
    page.screen(width, 844)
    page.open(made.file)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


CONTRAST = """(() => {
    const light = c => {
        const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = e => {
        for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(c)) return c;
        }
        return 'rgb(255, 255, 255)';
    };
    const words = 'h1, h2, h3, p, li, dt, dd, th, td, caption, figcaption, footer';
    return [...document.querySelectorAll(words)].map(e => {
        const pair = [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => b - a);
        return [(pair[0] + .05) / (pair[1] + .05), e.tagName];
    });
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_words_have_contrast_in_light_and_dark(page: Page, made: Made, dark: bool) -> None:
    page.screen(1280, 900, dark=dark)
    page.open(made.file)
    found = page.evaluate(CONTRAST)
    assert len(found) > 50
    assert [each for each in found if each[0] < 4.5] == []  # WCAG 2.2, AA
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 64) == dark
