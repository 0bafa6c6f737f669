"""The report in a real browser: what a reader sees is what the events say; it fetches nothing and fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from devtools import Page
from typer.testing import CliRunner

from ecgedge.cli.app import app
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock

FS = 130.0
PX_MM = 96 / 25.4


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A page, and what the command said of it."""
    folder = tmp_path_factory.mktemp("report")
    ecg = synthesize(
        [Segment("sinus", 90.0, 62.0), Segment("af", 90.0, 95.0), Segment("pvc", 90.0, 70.0)], FS, 3
    )
    with CsvWriter(folder / "ecg.csv") as writer:
        writer.write(SampleBlock(ecg.mv, fs=FS))
    page = folder / "ecg.html"
    result = CliRunner().invoke(app, ["report", str(folder / "ecg.csv"), "-o", str(page), "--json"])
    return page, json.loads(result.stdout.splitlines()[-1])


def fact(page: Page, block: str, name: str) -> str:
    found: str = page.evaluate(
        f"""[...document.querySelectorAll('.facts')].find(b => b.querySelector('h3').innerText == '{block}')
        .innerText.split('\\n').join('|').split('{name}|')[1].split('|')[0]"""
    )
    return found.strip()


def test_a_reader_sees_the_numbers_of_the_events(page: Page, told: tuple[Path, dict[str, object]]) -> None:
    file, found = told
    page.open(file)
    assert fact(page, "Recording", "beats") == f"{found['beats']}"
    assert fact(page, "Pauses", "over 2 s") == f"{found['pauses']}"
    assert fact(page, "Ventricular beats (VEB)", "beats") == f"{found['ventricular']['beats']}"  # type: ignore[index]
    assert fact(page, "Rhythm", "AF burden") == f"{100 * float(str(found['af_burden'])):.0f} %"


def test_it_fetches_nothing_and_complains_of_nothing(
    page: Page, told: tuple[Path, dict[str, object]]
) -> None:
    page.open(told[0])
    assert page.requests() == []
    assert page.complaints() == []


def test_its_policy_forbids_what_a_foreign_hand_adds(
    page: Page, told: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    """Or it would only look safe: the same page with an image and a script loads and runs neither."""
    bad = tmp_path / "bad.html"
    added = "<img src='http://127.0.0.1:9/a.png'><script>document.title = 'run'</script></body>"
    bad.write_text(told[0].read_text().replace("</body>", added))
    page.open(bad)
    assert page.evaluate("document.title") != "run"
    assert len(page.complaints()) >= 2


def test_paper_is_to_scale_in_print_and_no_strip_leaves_the_page(
    page: Page, told: tuple[Path, dict[str, object]]
) -> None:
    page.screen(round(190 * PX_MM), 1000, media="print")  # A4 less its margins
    page.open(told[0])
    strips = page.evaluate(
        """[...document.querySelectorAll('svg.ecg')].map(svg => [svg.getScreenCTM().a, svg.getScreenCTM().d,
        svg.getBoundingClientRect().right])"""
    )
    assert len(strips) > 10
    for along, up, right in strips:
        assert (along, up) == pytest.approx((PX_MM, PX_MM), rel=1e-3)
        assert right <= 190 * PX_MM + 0.5


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_screen_scrolls_sideways(page: Page, told: tuple[Path, dict[str, object]], width: int) -> None:
    page.screen(width, 844)
    page.open(told[0])
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
