"""docs/runs.md shows what happens."""

from __future__ import annotations

from pathlib import Path

import pytest
import readme_blocks as rb

pytestmark = pytest.mark.integration


def test_the_page_about_runs_shows_real_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rb.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    found = rb.blocks((rb.ROOT / "docs/runs.md").read_text(encoding="utf-8"))
    console = [block for block in found if block.runs]
    assert console
    for command, shown in (pair for block in console for pair in rb.commands(block)):
        real = rb.run_command(command)
        assert not rb.differs(shown, real), real
    polars = pytest.importorskip("polars", reason="polars is not installed")
    (code,) = [block.text for block in found if block.language == "python"]
    exec(compile(code, "docs/runs.md", "exec"), {"polars": polars})
