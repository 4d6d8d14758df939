"""``docs/compare.md`` shows what happens. ``python tests/job/test_compare_doc.py`` records the outputs anew."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import readme_blocks as rb

from attndsl.cli.main import run
from attndsl.dsl.checker import check
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile

pytestmark = pytest.mark.integration

PAGE = rb.ROOT / "docs/compare.md"
SMALL = ["--corpus", "sentences", "--tokens", "24", "--train", "10", "--heldout", "5", "--quiet"]


def prepare(folder: Path) -> None:
    """The working folder of the page: the examples, and the two runs that it speaks of."""
    rb.prepare(folder)
    os.chdir(folder)
    rb.run_command("python examples/tiny_model.py tiny-model")
    for name, programs in (("before", "sentence_ends"), ("after", "near_copies")):
        files = ["--programs", f"examples/{programs}.attn", "--out", name]
        assert run(["explain", "tiny-model", *SMALL, *files, "--format", "json"]) == 0


def test_the_page_shows_the_example_file() -> None:
    (shown,) = [b.text for b in rb.blocks(PAGE.read_text(encoding="utf-8")) if b.language == "attn"]
    assert shown == (rb.ROOT / "examples/near_copies.attn").read_text(encoding="utf-8")
    for program in parse_library(SourceFile("page", shown)):
        assert check(program).warnings == ()


def test_the_page_shows_real_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)  # back again afterwards
    prepare(tmp_path)
    ran = 0
    for block in (b for b in rb.blocks(PAGE.read_text(encoding="utf-8")) if b.runs):
        for command, shown in rb.commands(block):
            real = rb.run_command(command)
            assert not rb.differs(shown, real), f"python tests/job/test_compare_doc.py records anew:\n{real}"
            ran += 1
    assert ran == 5


def record() -> None:
    """Write the real outputs into the page."""
    os.environ["COLUMNS"] = "100"
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for block in reversed([b for b in rb.blocks(text) if b.runs]):
            new = "".join(f"$ {command}\n{rb.run_command(command)}" for command, _ in rb.commands(block))
            start, end = block.span
            text = text[:start] + new + text[end:]
        os.chdir(rb.ROOT)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    record()
