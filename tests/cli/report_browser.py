"""Fixtures and short questions for tests of the report in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from report_sample import sample
from webdriver import Browser, chromium

from attndsl.cli.report.data import ReportData
from attndsl.cli.report.render import write_report

needs_chromium = pytest.mark.skipif(
    chromium() is None, reason="needs chromium and chromedriver (Debian: chromium chromium-driver)"
)


@pytest.fixture(scope="module")
def data() -> ReportData:
    return sample(skip=2)


@pytest.fixture(scope="module")
def page(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(data, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def one() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(one: Browser) -> Iterator[Browser]:
    one.size(1440, 1000)
    one.prefer("light")
    yield one
    assert one.console() == []
    assert [url for url in one.requests() if not url.startswith(("file:", "data:", "about:"))] == []


def text(browser: Browser, css: str) -> str:
    return str(browser.js("return document.querySelector(arguments[0]).textContent", css))


def count(browser: Browser, css: str) -> int:
    return int(browser.js("return document.querySelectorAll(arguments[0]).length", css))


def shown_head(browser: Browser) -> str:
    return text(browser, ".head-name")


def tip(browser: Browser) -> str:
    return str(browser.js("const t = document.getElementById('tip'); return t.hidden ? '' : t.innerText"))
