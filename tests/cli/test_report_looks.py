"""The report in a real Chromium: themes, contrast, colours, narrow screens, paper, no scripts, no requests."""

# ruff: noqa: F401, F811 (fixtures are imported by name and taken as arguments)

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from report_browser import browser, count, data, needs_chromium, one, page, text
from report_sample import sample
from webdriver import Browser

from attndsl.cli.report.data import ReportData
from attndsl.cli.report.render import write_report

pytestmark = needs_chromium

RGB = re.compile(r"rgb\((\d+),? (\d+),? (\d+)\)")


def test_theme_follows_the_system_and_the_button(browser: Browser, page: Path) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    browser.open(page)
    browser.js("try { localStorage.clear() } catch {}")
    browser.open(page)
    light = browser.js(paper)
    cell = browser.js("return document.querySelector('[data-head=L1H1]').style.backgroundColor")
    browser.prefer("dark")
    dark = browser.js(paper)
    assert dark != light
    assert browser.js("return document.querySelector('[data-head=L1H1]').style.backgroundColor") != cell
    browser.move("#theme", click=True)
    browser.move("#theme", click=True)
    assert text(browser, "#theme") == "Theme: light"
    assert browser.js(paper) == light
    browser.js("try { localStorage.clear() } catch {}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_of_at_least_four_and_a_half(browser: Browser, page: Path, scheme: str) -> None:
    browser.prefer(scheme)
    browser.open(page)
    worst = browser.js(Path(__file__).with_name("contrast.js").read_text())
    assert worst[0] >= 4.5, worst


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_equal_steps_of_a_value_look_equal(browser: Browser, page: Path, scheme: str) -> None:
    browser.prefer(scheme)
    browser.open(page)
    image = browser.js("return document.querySelector('#legend .legend-bar').style.backgroundImage")
    lightness = [oklab_lightness([int(v) for v in stop]) for stop in RGB.findall(image)]
    assert len(lightness) == 13
    steps = [b - a for a, b in pairwise(lightness)]
    mean = sum(steps) / len(steps)
    assert all(0.6 < step / mean < 1.4 for step in steps)


@pytest.mark.parametrize("width", [360, 390, 768])
def test_narrow_screens_never_scroll_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.size(width, 800, phone=True)
    browser.open(page, "#L5H3")
    assert browser.js("return [document.documentElement.scrollWidth, innerWidth]") == [width, width]
    if width < 400:
        sides = browser.js("return document.querySelector('canvas.pattern').clientWidth")
        assert sides <= width
        assert browser.js("return document.querySelector('.cell').getBoundingClientRect().width") >= 24


def test_a_lift_of_nothing_is_neither_good_nor_bad(browser: Browser, tmp_path: Path) -> None:
    small = sample(1, 3, examples=0)
    rows = [replace(r, lift=by) for r, by in zip(small.heads, (0.0004, 0.1, -0.1), strict=True)]
    browser.open(write_report(replace(small, heads=tuple(rows)), tmp_path / "lifts.html"))
    for head, said, tone in (("L0H0", "0.000", ""), ("L0H1", "+0.100", "good"), ("L0H2", "−0.100", "bad")):
        cells = f"[...document.querySelectorAll('tr[data-head={head}] td')]"
        shown = browser.js(f"return {cells}.map((cell) => [cell.textContent, cell.className])")
        (classes,) = [classes for words, classes in shown if words == said]
        assert {"good", "bad"} & set(classes.split()) == ({tone} if tone else set()), head


def test_the_mark_of_the_best_baseline_keeps_its_shape_on_a_phone(browser: Browser, page: Path) -> None:
    """As a table of its own it took the collapsed borders of the table around it: no padding, no round corners."""
    browser.size(390, 844, phone=True)
    browser.open(page, "#L5H3")
    style = browser.js(
        "const s = getComputedStyle(document.querySelector('.scores .tag')); return [s.display, s.paddingLeft, s.width]"
    )
    assert style[:2] == ["block", "7px"]
    assert float(style[2].removesuffix("px")) < 140


def test_readers_without_scripts_see_a_message_and_the_figures(browser: Browser, page: Path) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        words = browser.source_text()
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert "This page needs JavaScript" in words
    assert "L29H6" in words


def test_the_policy_stops_any_request(browser: Browser, page: Path) -> None:
    browser.open(page)
    said = browser.js("return fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => 'stopped')")
    assert said == "stopped"
    assert any("Content Security Policy" in line for line in browser.console())


def test_a_report_with_nothing_optional_is_whole(browser: Browser, tmp_path: Path) -> None:
    full = sample(2, 3, examples=0)
    nothing = {
        "interval": None,
        "js": None,
        "iou_no_sink": None,
        "alternatives": (),
        "claim": "",
        "kinds": (),
        "rules": (),
    }
    rows = tuple(replace(r, **nothing, damage=None) for r in full.heads)
    bare = ReportData(full.model, "a corpus", 64, (), rows)
    browser.open(write_report(bare, tmp_path / "bare.html"))
    assert count(browser, "#problem:not([hidden])") == 0
    assert count(browser, "#metric button") == 3
    words = str(browser.js("return document.body.innerText"))
    for said in ("Replacement was not measured", "without example patterns", "states no claim", "n\u00a0=\u00a064"):
        assert said in words
    for wrong in ("null", "undefined", "NaN"):
        assert wrong not in words


def test_printing_is_light_and_leaves_controls_out(browser: Browser, page: Path) -> None:
    browser.prefer("dark")
    browser.open(page)
    browser.js("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.js("return document.documentElement.dataset.theme") == "light"
    browser.cdp("Emulation.setEmulatedMedia", media="print")
    try:
        controls = "[...document.querySelectorAll('.choice, .filters, #theme')]"
        assert browser.js(f"return {controls}.filter((n) => n.checkVisibility()).length") == 0
        tall = browser.js("const t = document.querySelector('.scroll.tall'); return [t.scrollHeight, t.clientHeight]")
        assert tall[0] == tall[1]
    finally:
        browser.cdp("Emulation.setEmulatedMedia", media="")
    browser.js("window.dispatchEvent(new Event('afterprint'))")
    assert browser.js("return document.documentElement.dataset.theme ?? 'auto'") == "auto"


def oklab_lightness(rgb: list[int]) -> float:
    r, g, b = (v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return 0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short
