"""Loops over long ranges that are walked through at once, which only programs that are too large get to otherwise.

Here every such loop is. What comes out means what Python does, and is recorded; see ``test_lift_snippets.py``.
"""

from __future__ import annotations

import ast
from functools import partial

import pytest
from lift_support import source_of
from test_lift_snippets import HEAD, ROOT, _body, _means_the_same, lines_of, record_of, same_as_recorded

from attndsl.dsl.pyimport import import_python, lift
from attndsl.dsl.pyimport.lift import NotLiftable, machine
from attndsl.dsl.source import SourceFile

BODIES = "\n".join(lines_of("at_once.txt")).split("\n---\n")[1:]


def test_such_a_loop_means_what_python_does(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lift, "Machine", partial(machine.Machine, at_once=True))
    lines = []
    for body in BODIES:
        text = HEAD + _body(body) + '    return "program", A\n'
        (found,) = import_python(SourceFile("snippet", text)).programs
        lines.append("# " + body.replace("\n", "\n# ") + f"\n{record_of(found)}")
        if found.typed is not None:
            _means_the_same(found, text, body)
    same_as_recorded(ROOT / "golden" / "at_once.txt", lines, request)


LONG = """for i in range(n):
    for step in range(1, 9):
        if i - step < 0:
            break
        A[i, i - step] += 1.0
"""


@pytest.mark.parametrize(
    ("body", "steps", "tried"),
    [(LONG, 60, [False, True]), (LONG, 100_000, [False]), ("for i in range(n):\n    A[i, 0] = 1\n", 5, [False])],
)
def test_only_what_is_too_large_and_has_a_long_range_is_lifted_anew(
    body: str, steps: int, tried: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[machine.Machine] = []

    def counted(*args: object, **options: object) -> machine.Machine:
        made.append(machine.Machine(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(lift, "Machine", counted)
    monkeypatch.setattr(machine, "MAX_STEPS", steps)
    text = source_of(body)
    function = next(s for s in ast.parse(text).body if isinstance(s, ast.FunctionDef) and s.name == "program")
    try:
        lift.lift_function(function, {}, {}, SourceFile("<test>", text))
    except NotLiftable as stop:
        assert stop.code == "E0309"
    assert [m.at_once for m in made[:2]] == tried
