"""What a run may add to its report, in a real Chromium: rivals, rules, counterexamples, kinds, damage, keys."""

# ruff: noqa: F401, F811 (fixtures are imported by name and taken as arguments)

from __future__ import annotations

from pathlib import Path

import pytest
from report_browser import browser, count, data, needs_chromium, one, page, shown_head, text, tip
from webdriver import Browser

from attndsl.cli.report.data import ReportData

pytestmark = needs_chromium


def test_programs_are_compared_on_the_same_text(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page, "#L5H3")
    row = next(r for r in data.heads if r.name == "L5H3")
    titles = browser.js("return [...document.querySelectorAll('#versus h4')].map((t) => t.textContent)")
    assert titles == ["Real pattern", row.program, "window of four", "uniform"]
    assert count(browser, "#versus canvas") == 3  # the last has no picture
    assert row.alternatives[0].heldout_iou is not None
    gap = row.alternatives[0].heldout_iou - row.heldout_iou
    assert f"{row.alternatives[0].heldout_iou:.3f} −{-gap:.3f}" in text(browser, "#versus .card:nth-of-type(3)")
    assert row.alternatives[0].program_text == text(browser, "#versus details code")
    browser.open(page, "#L5H0")
    assert "one of these would have scored higher" in text(browser, "#versus")


def test_rules_show_what_each_is_worth(browser: Browser, page: Path, data: ReportData) -> None:
    row = next(r for r in data.heads if any(rule.verdict == "dead" for rule in r.rules))
    browser.open(page, f"#{row.name}")
    shown = browser.js("return [...document.querySelectorAll('#head code .rule-text')].map((t) => t.textContent)")
    assert shown == [row.program_text[rule.start : rule.end] for rule in row.rules]
    lost = browser.js("return [...document.querySelectorAll('.rules tbody tr')].map((r) => r.cells[4].textContent)")
    assert [float(v.replace("−", "-")) for v in lost] == pytest.approx([r.iou_lost for r in row.rules], abs=6e-4)
    assert text(browser, ".rules tr:nth-child(4) .tag") == "dead"
    browser.move(".rules tbody tr:nth-child(2)")
    assert text(browser, ".rule-text.pointed") == shown[1]
    browser.move(".rule-text[data-rule='0']")
    assert "moves" in tip(browser)


def test_counterexamples_are_on_the_page_of_their_head(browser: Browser, page: Path, data: ReportData) -> None:
    broken = data.counterexamples[0]
    browser.open(page, f"#{broken.head}")
    assert count(browser, "#broken section") == 2
    titles = browser.js("return [...document.querySelectorAll('#broken h3')].map((t) => t.textContent)")
    assert titles == ["A text that breaks it", "A text that broke it before"]
    assert text(browser, "#broken .quote") == "".join(broken.tokens)
    assert broken.blamed in text(browser, "#broken")
    browser.js("const s = document.getElementById('show'); s.value = 'broken'; s.dispatchEvent(new Event('change'))")
    assert count(browser, "#list-body tr") == 1
    browser.open(page, "#L5H3")
    assert count(browser, "#broken section") == 0


def test_kinds_are_counted_by_layer_and_pick_out_heads(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    assert count(browser, "#kinds .stack") == 30
    kinds = [row.kinds[0] for row in data.heads]
    for kind in set(kinds):
        assert f"{kind} {kinds.count(kind)}" in text(browser, "#kinds .kind-row")
    browser.move("#kinds .kind:nth-child(1)", click=True)
    first = text(browser, "#kinds .kind[aria-pressed=true] small")
    assert count(browser, "#list-body tr") == int(first) == count(browser, "#map .cell:not(.dim)")
    browser.move("#metric [data-value=kind]", click=True)
    row = data.heads[0]
    assert row.kinds[0] in str(
        browser.js("return document.querySelector('[data-head=L0H0]').getAttribute('aria-label')")
    )


def test_damage_is_drawn_and_a_dot_opens_its_head(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    assert count(browser, "#damage .mark") == len(data.heads)
    worst = max(data.heads, key=lambda r: r.damage.nats if r.damage else 0.0)
    assert text(browser, "#damage .head-link") == worst.name
    browser.move("#damage .head-link", click=True)
    assert shown_head(browser) == worst.name
    assert "−0.05" in text(browser, "#damage")
    assert "train IoUchosen+4.0%+10.0%+20.0%" in text(browser, "#damage")


def test_keys_walk_the_heads_and_find_the_search(browser: Browser, page: Path, data: ReportData) -> None:
    browser.open(page)
    order = browser.js("return [...document.querySelectorAll('#list-body tr')].map((r) => r.dataset.head)")
    assert shown_head(browser) == order[0]
    browser.press("j", "j", "k")
    assert shown_head(browser) == order[1]
    assert browser.js("return location.hash") == f"#{order[1]}"
    browser.press("/")
    assert browser.js("return document.activeElement.id") == "search"
    browser.press("j")
    assert shown_head(browser) == order[1]
    assert browser.js("return document.getElementById('search').value") == "j"
    browser.press("Escape", "m")
    assert browser.js("return document.activeElement.dataset.head") == order[1]
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.js(outline) == "solid"
