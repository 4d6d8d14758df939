"""The notebooks run without errors on a clean folder, and show again what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import readme_blocks as rb

import notebooks as nb

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", nb.names())
def test_a_notebook_shows_what_it_shows(name: str, tmp_path: Path) -> None:
    stored, again = nb.load(name), nb.execute(nb.load(name), nb.prepare(tmp_path))
    assert any(nb.outputs(cell) for cell in nb.code_cells(stored))
    for before, now in zip(nb.code_cells(stored), nb.code_cells(again), strict=True):
        shown, real = nb.outputs(before), nb.outputs(now)
        assert len(shown) == len(real)
        for one, other in zip(shown, real, strict=True):
            assert not rb.differs(one, other), f"python tests/notebooks.py records anew what this shows:\n{other}"


def test_there_are_three_and_the_docs_name_them() -> None:
    assert len(nb.names()) == 3
    index = (nb.ROOT / "docs/README.md").read_text(encoding="utf-8")
    for name in nb.names():
        assert f"../notebooks/{name}" in index


def test_the_first_explains_a_head_in_ten_lines() -> None:
    cell = nb.code_cells(nb.load(nb.names()[0]))[1]
    lines = [line for line in cell["source"].splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 10


def test_outputs_hold_no_path_of_a_machine() -> None:
    for name in nb.names():
        text = (nb.FOLDER / name).read_text(encoding="utf-8")
        assert not re.search(r"/(tmp|home|root|work|Users)/", text)
