"""The built app on this machine and a browser with emulated Bluetooth; skipped with the reason where not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from devtools import Browser, chromium
from handset import Handset
from site_of_app import BUILT, Site

from ecgedge.report.pdf import find_chromium


@pytest.fixture(scope="session")
def program_of_browser() -> str:
    """Where Chromium is."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: make test-phone PHONE=--install")
    return program


@pytest.fixture(scope="session")
def browser(program_of_browser: str) -> Iterator[Browser]:
    """A browser with Bluetooth."""
    profile = tempfile.mkdtemp(prefix="ecgedge-phone-")
    try:
        with chromium(program_of_browser, Path(profile), *Handset.FLAGS) as running:
            yield running
    finally:
        shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture(scope="session")
def app_folder() -> Path:
    """The app, freshly built."""
    if not BUILT.is_dir():
        pytest.skip("no freshly built app: make test-phone, or name its folder in ECGEDGE_PHONE_APP")
    return BUILT


@pytest.fixture(scope="session")
def site(app_folder: Path) -> Iterator[Site]:
    """The app, as `ecgedge phone --serve` hands it out."""
    with Site(app_folder) as served:
        yield served


@pytest.fixture(scope="session")
def open_phones() -> Iterator[list[Handset]]:
    """The phone that the tests share, if there is one: to start Python takes seconds."""
    phones: list[Handset] = []
    yield phones
    for one in phones:
        one.close()


@pytest.fixture
def handset(browser: Browser, site: Site, open_phones: list[Handset]) -> Iterator[Handset]:
    """A phone that shows the app, with nothing kept."""
    if not open_phones:
        fresh = Handset(browser, site.url)
        open_phones.append(fresh)
        fresh.open()
    (phone,) = open_phones
    phone.take_up()
    try:
        yield phone
        phone.reset()
    except BaseException:
        # What a test leaves behind that fails is nothing for the next one.
        open_phones.clear()
        phone.close()
        raise


@pytest.fixture
def own_browser(program_of_browser: str, tmp_path: Path) -> Iterator[Callable[[], Browser]]:
    """What starts a browser of the test's own, again and again with the same profile."""
    with ExitStack() as running:
        yield lambda: running.enter_context(
            chromium(program_of_browser, tmp_path / "profile", *Handset.FLAGS)
        )
