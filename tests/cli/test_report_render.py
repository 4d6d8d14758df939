"""The page as text: whole, safe and small. What a browser makes of it is in test_report_browser.py."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_sample import sample

from attndsl.cli.report.data import ReportData
from attndsl.cli.report.parts import Alternative, OtherPicture
from attndsl.cli.report.render import embed_json, render_report, write_report
from attndsl.dsl.diagnostics import DiagnosticError

NASTY = "</script><script>window.hacked = 1</script><!-- <!--@data--> \"\u2028 '<img src=x onerror=alert(1)>"


class Addresses(HTMLParser):
    """Every address an element of the page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]


@pytest.fixture(scope="module")
def small() -> ReportData:
    return sample(3, 4, examples=1, most=12)


def payload(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page, re.S)
    assert found
    value = json.loads(found[1])
    assert isinstance(value, dict)
    return value


def test_page_of_270_heads_is_small_and_has_no_address_to_load() -> None:
    page = render_report(sample())
    assert len(page.encode()) < 5_000_000
    addresses = Addresses()
    addresses.feed(page)
    assert addresses.found
    assert all(address.startswith(("#", "data:")) for address in addresses.found)
    assert "@import" not in page
    assert "url(" not in page


def test_text_from_programs_and_tokens_cannot_become_markup(small: ReportData) -> None:
    other = Alternative(NASTY, None, 0.5, NASTY, NASTY)
    row = replace(
        small.heads[0], program=NASTY, program_text=NASTY, claim=NASTY, rules=(), alternatives=(other,), kinds=(NASTY,)
    )
    example = replace(small.examples[0], tokens=(NASTY, *small.examples[0].tokens[1:]), text_id=NASTY)
    nasty = OtherPicture(NASTY, small.examples[0].others["L0H0"][0].predicted, 0.5)
    example = replace(example, others={**example.others, "L0H0": (nasty,)})
    broken = tuple(replace(b, tokens=(NASTY, *b.tokens[1:]), blamed=NASTY) for b in small.counterexamples)
    assert small.damage is not None
    damage = replace(
        small.damage,
        correlations=(replace(small.damage.correlations[0], score=NASTY),),
        curves=(replace(small.damage.curves[0], order=NASTY, programs=NASTY),),
    )
    model = replace(small.model, name=NASTY)
    page = render_report(
        replace(
            small, heads=(row, *small.heads[1:]), examples=(example,), model=model, corpus=NASTY,
            counterexamples=broken, damage=damage,
        )
    )  # fmt: skip
    assert "<script>window" not in page
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert page.count('id="report-data"') == 1
    data = payload(page)
    assert data["corpus"] == NASTY
    first = data["programs"][0]  # type: ignore[index]
    assert (first["name"], first["text"], first["claim"]) == (NASTY, NASTY, NASTY)


def test_embedded_json_has_no_less_than_sign() -> None:
    text = embed_json({"a": NASTY})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": NASTY}


def test_policy_allows_exactly_our_script_and_style(small: ReportData) -> None:
    page = render_report(small)
    for tag in ("script", "style"):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(body) == 1
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page
    assert "unsafe-inline" not in page


def test_programs_and_pictures_are_stored_once(small: ReportData) -> None:
    data = payload(render_report(small))
    names = {(row.program, row.program_text) for row in small.heads}
    names |= {(other.program, other.program_text) for row in small.heads for other in row.alternatives}
    assert len(data["programs"]) == len(names)  # type: ignore[arg-type]
    drawn = [p for e in small.examples for pair in e.heads.values() for p in (pair.predicted, pair.real)]
    drawn += [other.predicted for e in small.examples for others in e.others.values() for other in others]
    drawn += [p for broken in small.counterexamples for p in (broken.predicted, broken.real)]
    assert len(data["pictures"]) == len(set(drawn)) < len(drawn)  # type: ignore[arg-type]


def test_readers_without_scripts_get_every_head(small: ReportData) -> None:
    page = render_report(small)
    fallback = page.split("<noscript>")[1].split("</noscript>")[0]
    for row in small.heads:
        assert f"<th scope=row>{row.name}</th>" in fallback
        assert f"<td>{row.heldout_iou:.3f}</td>" in fallback
    assert "n = 128" in fallback


def test_too_large_a_page_is_refused_with_what_it_costs(small: ReportData) -> None:
    with pytest.raises(DiagnosticError) as caught:
        render_report(small, max_bytes=50_000)
    assert caught.value.diagnostics[0].code == "E0842"
    assert "more than the limit of 50,000" in str(caught.value)
    assert "1 examples of 12 tokens" in caught.value.diagnostics[0].notes[0]


def test_writing_is_whole_or_not_at_all(small: ReportData, tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    assert write_report(small, target) == target
    before = target.read_bytes()
    assert before.decode("utf-8") == render_report(small)
    with pytest.raises(DiagnosticError):
        write_report(small, target, max_bytes=10)
    assert target.read_bytes() == before
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]


def test_unwritable_places_are_diagnosed(small: ReportData, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "report.html", tmp_path / "folder"):
        with pytest.raises(DiagnosticError) as caught:
            write_report(small, target)
        assert caught.value.diagnostics[0].code == "E0843"
        assert str(target) in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
