"""The report in a real Chromium: what it draws, and that it answers to pointer and keys."""

# ruff: noqa: F401, F811 (fixtures are imported by name and taken as arguments)

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from report_browser import browser, count, data, needs_chromium, one, page, shown_head, text, tip
from report_sample import sample
from webdriver import Browser

from attndsl.cli.report.data import ReportData
from attndsl.cli.report.render import write_report

pytestmark = needs_chromium

LOAD_SECONDS = 3.0
"""One second is the target and what a quiet machine shows; the limit leaves room for a busy one."""


def test_page_loads_fast_and_shows_the_figures(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    seconds = browser.js("return performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
    assert 0 < seconds < LOAD_SECONDS
    assert text(browser, "h1") == data.model.name
    assert browser.js("return document.title").startswith(data.model.name)
    tiles = browser.js("return [...document.querySelectorAll('.tile')].map((t) => t.innerText)")
    mean = sum(row.heldout_iou for row in data.heads) / len(data.heads)
    assert f"{mean:.3f}" in tiles[0]
    assert data.intervals.mean is not None
    assert f"[{data.intervals.mean.low:.3f}, {data.intervals.mean.high:.3f}]" in tiles[0]
    assert all("96\u2060–\u2060128" in tile for tile in tiles)
    assert count(browser, "#problem:not([hidden])") == 0


def test_map_has_a_cell_for_each_head_and_marks_those_not_scored(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert count(browser, "#map [role=gridcell]") == 270
    assert count(browser, "#map .cell.missing") == 2
    assert "heads not scored" in text(browser, "#omitted")
    assert text(browser, "#omitted tbody tr:first-child").startswith("17programs refusedE0203")


def test_cells_show_the_chosen_figure(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    row = next(r for r in data.heads if r.name == "L7H3")
    expected = {
        "heldout_iou": row.heldout_iou,
        "lift": row.lift,
        "baseline": row.baselines[row.best_baseline],
        "no_sink": row.iou_no_sink,
    }
    seen = set()
    for key, value in expected.items():
        assert value is not None
        browser.move(f"#metric [data-value={key}]", click=True)
        assert text(browser, "[data-head=L7H3]") == f"{value:.2f}".replace("0.", ".").replace("-", "−")
        seen.add(browser.js("return document.querySelector('[data-head=L7H3]').style.backgroundColor"))
    assert len(seen) == 4


def test_pointing_at_a_cell_tells_its_values(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    row = next(r for r in data.heads if r.name == "L12H4")
    browser.move("[data-head=L12H4]")
    said = tip(browser)
    assert said.startswith(f"L12H4 · {row.program}")
    assert f"held-out IoU {row.heldout_iou:.3f}" in said
    assert "n\u00a0=\u00a096" in said
    assert not browser.js("return document.getElementById('legend-mark').hidden")


def test_click_shows_the_program_claim_and_scores(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    row = next(r for r in data.heads if r.name == "L2H1")
    browser.move("[data-head=L2H1]", click=True)
    assert shown_head(browser) == "L2H1"
    assert browser.js("return location.hash") == "#L2H1"
    assert text(browser, "#head code") == row.program_text
    assert count(browser, "#head .code-k") >= 3
    if row.claim:
        assert text(browser, ".claim") == row.claim
    table = text(browser, ".scores")
    for value in (row.heldout_iou, row.train_iou, row.js, *row.baselines.values()):
        assert f"{value:.3f}" in table
    assert browser.js("return document.querySelector('[data-head=L2H1]').getAttribute('aria-selected')") == "true"


def test_keyboard_walks_the_map_and_opens_a_head(browser: Browser, page: Path) -> None:
    browser.open(page, "#L5H3")
    browser.js("document.querySelector('[data-head=L5H3]').focus()")
    browser.press("ArrowRight", "ArrowRight", "ArrowDown")
    assert browser.js("return document.activeElement.dataset.head") == "L7H4"
    assert "L7H4" in tip(browser)
    assert shown_head(browser) == "L5H3"
    browser.press("Enter")
    assert shown_head(browser) == "L7H4"
    browser.js("document.querySelector('[data-head=L0H0]').focus()")
    browser.press("ArrowLeft", "ArrowUp")
    assert browser.js("return document.activeElement.dataset.head") == "L0H0"
    assert count(browser, "#map .cell[tabindex='0']") == 1


def test_deep_link_opens_its_head_and_follows_the_address(browser: Browser, page: Path) -> None:
    browser.open(page, "#L5H3")
    assert shown_head(browser) == "L5H3"
    assert 0 <= browser.js("return document.getElementById('head').getBoundingClientRect().top") < 100
    browser.js("location.hash = '#L6H0'")
    browser.js("return new Promise((done) => setTimeout(done, 50))")
    assert shown_head(browser) == "L6H0"
    browser.open(page, "#L77H1")
    assert "no figure for head L77H1" in text(browser, "#problem")


def test_pictures_hold_the_patterns_and_tell_weights(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page, "#L5H3")
    assert count(browser, "#pictures canvas.pattern") == 2
    colours = browser.js(
        "return [...document.querySelectorAll('canvas.pattern')].map((c) => new Set(new Uint32Array("
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size)"
    )
    assert all(found > 10 for found in colours)
    example = data.examples[0]
    browser.js("document.querySelector('canvas.pattern').focus()")
    n = len(example.tokens)
    browser.press(*["ArrowLeft"] * n, "ArrowUp", "ArrowUp", "ArrowRight")
    pair = example.heads["L5H3"]
    for side, picture in (("predicted", pair.predicted), ("real", pair.real)):
        assert f"{side} {picture.to_matrix()[n - 3, 1]:.3f}" in text(browser, ".readout")
    browser.move("canvas.pattern", 20, 60)
    assert re.search(r"query \d+, key \d+\npredicted 0\.\d{3}\nreal 0\.\d{3}", tip(browser))


def test_a_word_of_the_text_can_be_read(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page, "#L5H3")
    example = data.examples[0]
    assert count(browser, ".strip span") == 2 * len(example.tokens)
    browser.move(".strip span:nth-child(6)", click=True)
    real = example.heads["L5H3"].real.to_matrix()[5]
    key = int(real.argmax())
    assert f"(5) → key {example.tokens[key]} ({key})" in text(browser, ".readout")
    assert count(browser, ".strip .unreached") == 2 * (len(example.tokens) - 6)
    assert (
        browser.js("return [...document.querySelectorAll('.strip .query')].map((s) => s.textContent)")
        == [example.tokens[5].strip()] * 2
    )


def test_examples_and_difference_can_be_chosen(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page, "#L5H3")
    before = browser.js("return document.querySelectorAll('canvas.pattern')[1].toDataURL()")
    browser.move("#pictures [data-value=difference]", click=True)
    assert browser.js("return document.querySelectorAll('canvas.pattern')[1].toDataURL()") != before
    menu = "const m = document.querySelector('#pictures select'); "
    assert browser.js(menu + "return m.options.length") == len(data.examples)
    browser.js(menu + "m.value = '2'; m.dispatchEvent(new Event('change'))")
    assert f"{data.examples[2].heads['L5H3'].iou:.3f}" in text(browser, ".picture-head")
    assert f"n = {len(data.examples[2].tokens)}" in text(browser, ".picture-head")


def test_list_sorts_searches_and_filters(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    names = "return [...document.querySelectorAll('#list-body tr')].map((r) => r.dataset.head)"
    by_lift = sorted(data.heads, key=lambda r: -r.lift)
    assert browser.js(names)[:5] == [r.name for r in by_lift[:5]]
    browser.move("#list th[data-key=heldout_iou] button", click=True)
    by_iou = sorted(data.heads, key=lambda r: -r.heldout_iou)
    assert browser.js(names)[:5] == [r.name for r in by_iou[:5]]
    browser.press("Enter")
    assert browser.js(names)[:5] == [r.name for r in by_iou[::-1][:5]]
    search = "const s = document.getElementById('search'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    browser.js(search, "Induction")
    expected = {r.name for r in data.heads if r.program == "induction"}
    assert set(browser.js(names)) == expected
    assert text(browser, "#list-count") == f"{len(expected)} of 268 heads"
    browser.js(search, "l3h")
    assert set(browser.js(names)) == {f"L3H{h}" for h in range(9)}
    browser.move("#list-body tr:nth-child(2) td", click=True)
    assert shown_head(browser) == browser.js(names)[1]


def test_reuse_picks_out_the_heads_of_a_program(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    browser.move("#reuse tbody tr:first-child button", click=True)
    program = text(browser, "#reuse tbody tr:first-child button")
    used = sum(row.program == program for row in data.heads)
    assert count(browser, "#map .cell:not(.dim)") == used
    assert count(browser, "#list-body tr") == used
    browser.move("#map-filter button", click=True)
    assert count(browser, "#map .cell.dim") == 0


def test_perplexity_curve_has_its_points_both_ways(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    heights = "return [...document.querySelectorAll('#perplexity .mark')].map((c) => Number(c.getAttribute('cy')))"
    log = browser.js(heights)
    assert len(log) == len(data.perplexity)
    assert log == sorted(log, reverse=True)
    browser.move("#perplexity [data-value=linear]", click=True)
    linear = browser.js(heights)
    # 151% of 6178%: a fortieth of the height when linear, a fifth on the log scale
    assert (linear[0] - linear[5]) / (linear[0] - linear[6]) == pytest.approx(151 / 6178, abs=0.002)
    assert (log[0] - log[5]) / (log[0] - log[6]) == pytest.approx(math.log(2.51) / math.log(62.78), abs=0.002)
    browser.move("#perplexity .dot:nth-of-type(4)")
    assert "perplexity 12.15" in tip(browser)
    assert "25%68" in text(browser, "#perplexity tbody tr:nth-child(4)")


def test_lengths_are_drawn_and_tabled(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert count(browser, "#length .mark") == 16
    lengths = browser.js("return [...document.querySelectorAll('#length tbody th')].map((t) => t.textContent)")
    assert lengths == ["16", "32", "64", "128"]


def test_heads_that_look_both_ways_are_drawn_square(browser: Browser, tmp_path: Path) -> None:
    data = sample(6, 12, causal=False, examples=1, most=16)
    browser.open(write_report(data, tmp_path / "both.html"), "#L5H11")
    assert shown_head(browser) == "L5H11"
    browser.js("document.querySelector('canvas.pattern').focus()")
    browser.press(*["ArrowLeft"] * 15, "ArrowUp", *["ArrowRight"] * 15)
    weight = data.examples[0].heads["L5H11"].real.to_matrix()[14, 15]
    assert weight > 0
    assert f"real {weight:.3f}" in text(browser, ".readout")
