"""The fenced blocks of the documents, and a runner for those that are marked.

``python tests/readme_blocks.py`` records the outputs anew; names of documents choose some.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "CONTRIBUTING.md", ROOT / "dsl/LANGUAGE.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)```", re.DOTALL)
_NUMBER = re.compile(r"-?\d+\.\d+")
TOLERANCE = 0.011  # figures are printed with two or three decimals, and the last may differ between builds of torch


@dataclass(frozen=True)
class Block:
    """One fenced block; ``mark`` is the comment before it: ``run``, or ``from FILE`` for a part of a file."""

    language: str
    text: str
    mark: str
    span: tuple[int, int]

    @property
    def runs(self) -> bool:
        """Whether it is marked to be run."""
        return self.mark == "run"


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a Markdown text, in order."""
    return [Block(m["language"], m["text"], m["mark"] or "", m.span("text")) for m in _BLOCK.finditer(text)]


def commands(block: Block) -> list[tuple[str, str]]:
    """(command, shown output) of a console block."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def run_command(command: str) -> str:
    """What a command of the README prints, messages and results in the order in which they come."""
    words = shlex.split(command)
    if words[0] == "python":
        done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=True)
        return done.stdout
    assert words[0] == "attndsl", command
    from attndsl.cli.main import run

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        run(words[1:])
    return shown.getvalue()


def prepare(folder: Path) -> None:
    """Make a folder in which the README's relative paths are right."""
    (folder / "examples").symlink_to(ROOT / "examples")


def differs(shown: str, real: str) -> bool:
    """Whether two outputs differ in more than the last digits of their figures."""
    if _skeleton(shown) != _skeleton(real):
        return True
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(real), strict=True)
    return any(abs(float(a) - float(b)) > TOLERANCE for a, b in pairs)


def _skeleton(text: str) -> list[str]:
    return _NUMBER.sub("#", text).split()


def record(document: Path) -> None:
    """Write the real outputs into a document."""
    text = document.read_text(encoding="utf-8")
    os.environ["COLUMNS"] = "80"
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        os.chdir(folder)
        replaced = []
        for block in blocks(text):
            if block.runs and block.language == "console":
                new = "".join(f"$ {command}\n{run_command(command)}" for command, _ in commands(block))
                replaced.append((block.span, new))
        os.chdir(ROOT)
    for (start, end), new in reversed(replaced):
        text = text[:start] + new + text[end:]
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for one in DOCUMENTS:
        if not sys.argv[1:] or one.name in sys.argv[1:]:
            record(one)
