"""What the lifter makes of every program of the suite, as text: a rule of the lifter that changes shows in the diff.

The meaning of the same programs is compared with CPython elsewhere (``test_lift_bodies.py``, ``test_lift_idioms.py``,
``tests/runtime/test_programs_unseen.py``); a lift that got longer, stopped to be one, or is refused for another reason
keeps its meaning and is found here. Record anew: ``pytest tests/dsl/pyimport/test_lift_records.py --update-golden``,
then read ``git diff``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lift_support import lifted, reason, source_of
from test_lift_bodies import BODIES
from test_lift_idioms import IDIOMS, MORE

from attndsl.dsl.printer import to_text
from attndsl.dsl.pyimport import Imported, import_python
from attndsl.dsl.pyimport.lift import machine, values
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.source import SourceFile
from attndsl.runtime.library import load_library
from attndsl.runtime.program import Outcome

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden" / "records"
UNSEEN = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "programs" / "unseen").glob("*.py"))}
SNIPPETS = {
    "bodies": {f"body {number}": body for number, body in enumerate(BODIES)},
    "idioms": {**IDIOMS, **MORE},
}
REPAIRED = ("word_classes", "syntax", "spans_of_words")
"""Files whose aligner of tokens and words is recorded as published and as repaired."""


def record(text: str) -> str:
    """The programs of a file as they are printed, or kept and refused for which reason at which line."""
    return "\n".join(map(_outcome, import_python(SourceFile("record", text), ["embedding_similarity"]).programs))


def _outcome(found: Imported) -> str:
    outcome = "kept" if found.loops else "refused"
    lines = [to_text(found.typed.program) if found.typed else f"{found.name} is {outcome}"]
    for d in found.diagnostics:
        lines.append(f"{d.code} line {d.line}: {d.headline}" + "".join(f" ({note})" for note in d.notes))
    return "\n".join(lines) + "\n"


def records(name: str) -> str:
    if name in UNSEEN:
        return record(UNSEEN[name])
    return "\n".join(f"== {title}\n{record(source_of(_code(body)))}" for title, body in SNIPPETS[name].items())


def repaired(name: str) -> str:
    """The programs of a file under its repaired aligner."""
    path = ROOT / "programs" / "unseen" / f"{name}.py"
    library = load_library(path, host={"embedding_similarity": max}, aligner="offsets")
    lines = []
    for p in library.values():
        lines.append(p.to_attn() if p.outcome is Outcome.LIFTED else f"{p.name} is {p.outcome.value}\n")
        lines += [f"{d.code} line {d.line}: {d.headline}\n" for d in p.diagnostics]
    return "\n".join(lines)


def _code(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("#"))


CASES = {
    **dict.fromkeys((*SNIPPETS, *UNSEEN), records),
    **{f"{name}.offsets": lambda title: repaired(title.removesuffix(".offsets")) for name in REPAIRED},
}


@pytest.mark.parametrize("name", CASES)
def test_programs_are_lifted_as_recorded(name: str, request: pytest.FixtureRequest) -> None:
    path, text = GOLDEN / f"{name}.txt", CASES[name](name)
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_record_has_its_programs() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize(("limit", "needed"), [("MAX_STEPS", 40), ("MAX_EVENTS", 3)])
def test_each_limit_of_a_lift_alone_ends_it(limit: str, needed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "for i in range(n):\n    A[i, 0] = 1.0\n    A[i, 0] += 1.0\n    A[i, 0] += 1.0\n"
    monkeypatch.setattr(machine, limit, needed)
    assert lifted(source_of(body))
    monkeypatch.setattr(machine, limit, needed - 1)
    assert reason(body) == "E0309"


def test_the_alternatives_of_a_value_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_LEAVES", 3)
    one, condition = values.known(1), T.compare("<", T.N, T.const(2))
    two = values.Choice(condition, one, values.known(2))
    three = values.Choice(condition, two, one)
    assert (two.leaves, three.leaves) == (2, 3)
    for side in (two, three):
        with pytest.raises(T.TooLarge):
            values.Choice(condition, side, two)
