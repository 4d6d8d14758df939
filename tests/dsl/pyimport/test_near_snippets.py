"""Snippets with one piece changed: what becomes of each is recorded, as a number.

A rule of the lifter that applies too often or too seldom gives some of them another program, or another reason. They
run when they are recorded: ``pytest tests/dsl/pyimport/test_near_snippets.py --update-golden`` compares every program
that is new with Python; without it, the statements and the program that differ are shown.
"""

from __future__ import annotations

import signal
import textwrap
import zlib
from pathlib import Path

import pytest
from near_snippets import neighbour
from test_lift_snippets import ELSEWHERE, HEAD, SNIPPETS, _means_the_same, record_of

from attndsl.dsl.pyimport import Imported, import_python
from attndsl.dsl.source import SourceFile

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")
GOLDEN = Path(__file__).parents[2] / "golden" / "near_snippets"
SIZE = 2
"""Chunks of snippets in one test."""
NAMES = list(SNIPPETS)
SECONDS = 10.0


def statements_of(chunk: str) -> list[str]:
    own = (textwrap.dedent(statements) for statements in SNIPPETS[chunk].values())
    return [found for statements in own if (found := neighbour(statements, 0)) is not None]


def program(statements: str) -> str:
    return f'{HEAD}{textwrap.indent(statements, "    ")}\n    return "program", A\n'


def lift(statements: str) -> Imported:
    source = SourceFile("snippet", program(statements))
    (found,) = import_python(source, ["embedding_similarity"]).programs
    return found


def number(found: Imported) -> str:
    """A number for the program or the reasons."""
    return f"{zlib.crc32(record_of(found).encode()):08x}"


def _compared(statements: str, found: Imported) -> None:
    """Compared with Python, which gets so many seconds."""
    if found.typed is None or any(x in statements for x in ELSEWHERE):
        return
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        _means_the_same(found, program(statements), statements)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@pytest.mark.parametrize("first", range(0, len(NAMES), SIZE), ids=lambda at: NAMES[at])
def test_a_changed_snippet_becomes_what_is_recorded(first: int, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{NAMES[first]}.txt"
    kept = path.read_text(encoding="utf-8").split() if path.exists() else []
    update, record = request.config.getoption("--update-golden"), []
    for chunk in NAMES[first : first + SIZE]:
        for statements in statements_of(chunk):
            found = lift(statements)
            record.append(number(found))
            if number(found) not in kept:
                assert update, f"{statements}\nbecomes another program, or none:\n{record_of(found)}"
                _compared(statements, found)
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(record) + "\n", encoding="utf-8")
    assert record == path.read_text(encoding="utf-8").split()
