"""Objects as HTML: what they show, and that nothing of a file becomes markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attndsl.runtime.library import load_text
from attndsl.runtime.shown import MOST_ROWS, cell, pattern_html, rows_html
from attndsl.runtime.table import Table

NASTY = "<img src=x onerror=alert(1)>'\"&"
SOURCE = 'head "NAME" causal\nclaim "NAME"\nadd 1 to last(k before q where k.text == "NAME")\nnormalize rows\n'
HOSTILE = SOURCE.replace("NAME", NASTY.replace('"', '\\"'))


def test_nothing_of_a_program_becomes_markup() -> None:
    library = load_text(HOSTILE, NASTY, python=False)
    (program,) = library.values()
    assert program.name == NASTY
    for shown in (program._repr_html_(), library._repr_html_()):
        assert "<img" not in shown
        assert "&lt;img src=x onerror=alert(1)&gt;&#x27;&quot;&amp;" in shown


def test_a_refused_program_shows_its_reason() -> None:
    source = "def f(sentence, tokenizer):\n    return 'f', nothing(sentence)\n"
    (program,) = load_text(source, NASTY, python=True).values()
    shown = program._repr_html_()
    assert "E0220" in shown
    assert "nothing" in shown
    assert "<img" not in shown


def test_tables_are_cut_and_counted() -> None:
    shown = rows_html(["a"], [(i,) for i in range(MOST_ROWS + 5)])
    assert shown.count("<tr>") == MOST_ROWS + 1
    assert "5 more rows" in shown
    table = Table({NASTY: [NASTY], "held_out_iou": [0.12345], "program": [None]})
    assert table._repr_html_().count("<td") == 2
    assert "0.123" in table._repr_html_()
    assert "<img" not in Table({NASTY: [NASTY]})._repr_html_()


def test_cells() -> None:
    assert [cell(value) for value in (0.5, None, 3, "a<b")] == ["0.500", "–", "3", "a&lt;b"]


def test_a_pattern_names_rows_and_columns() -> None:
    shown = pattern_html(np.array([[1.0, 0.0], [0.25, 0.75]]), ["a", NASTY], NASTY)
    assert shown.count("<td") == 4
    assert "0.75" in shown
    assert "<img" not in shown


def test_the_module_is_found_by_its_mark() -> None:
    """Every class that shows itself asks this module, where escaping is."""
    root = Path(__file__).resolve().parents[2]
    files = [p for f in ("runtime", "attndsl", "models", "synth") for p in (root / f).rglob("*.py")]
    own = [p for p in files if "def _repr_html_" in p.read_text(encoding="utf-8")]
    assert len(own) >= 6
    assert all("attndsl.runtime.shown import" in p.read_text(encoding="utf-8") for p in own)
