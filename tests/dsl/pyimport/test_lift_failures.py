"""Try blocks in which something may fail: against Python itself."""

from __future__ import annotations

import ast

import pytest
from lift_support import expected, reason, same_or_fails, source_of, table

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.pyimport import import_python, lift
from attndsl.dsl.pyimport.lift import constants
from attndsl.dsl.source import SourceFile

BODIES = {
    "index of what may be missing": """
        for i in range(n):
            try:
                k = tokens.index("the")
                A[i, k] = 1
            except ValueError:
                A[i, 0] = 2
    """,
    "a place outside the row": """
        for i in range(n):
            try:
                A[i, i + 1] = 0.5
            except IndexError:
                pass
            A[i, 0] += 1
    """,
    "what was done before the failure": """
        for i in range(n):
            c = [j for j in range(i) if tokens[j] == "the"]
            try:
                A[i, 0] = 0.1
                last = c[-1]
                A[i, last] += 1
            except Exception:
                last = 0
            A[i, last] += 0.5
    """,
    "a division by zero": """
        for i in range(n):
            try:
                x = 1 / (i - 2)
            except ZeroDivisionError:
                x = 0
            A[i, 0] = x
    """,
    "a missing key goes on": """
        d = {"the": 0.5}
        for i in range(n):
            try:
                x = d[tokens[i]]
            except KeyError:
                continue
            A[i, 0] = x
    """,
    "a failure inside a test": """
        for i in range(n):
            try:
                if i > 1 and tokens[i + 1] == "the":
                    A[i, i + 1] = 1
                else:
                    A[i, 0] = 2
            except IndexError:
                A[i, i] = 5
    """,
    "a failure inside an expression": """
        for i in range(n):
            try:
                A[i, 0] = 1.0 if tokens[i + 1] == "the" else 2.0
                x = 3 if i > 1 and tokens[i + 2] == "the" else 4
                A[i, 0] += x
            except IndexError:
                A[i, i] += 5
    """,
    "failures one after the other": """
        for i in range(n):
            try:
                if i > 0:
                    if tokens[i + 1] == "the" or tokens[i + 2] == ".":
                        A[i, 0] = 1
                    else:
                        x = tokens[i + 3]
                        A[i, 0] = len(x)
                A[i, 0] += 1
            except IndexError:
                A[i, i] += 5
                continue
            A[i, 0] += 0.25
    """,
    "a try block in a function": """
        def g(k):
            try:
                if tokens[k + 1] == "the":
                    return 1
                return 2
            except:
                return 3
        for i in range(n): A[i, 0] = g(i)
    """,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_each_gives_what_python_gives(body: str) -> None:
    same_or_fails(body)


NEAR_MISSES = {
    "a failure inside a loop": ("E0303", """
        for i in range(n):
            try:
                for j in range(5):
                    A[i, j] = 1
            except IndexError:
                pass
    """),
    "a function that draws numbers": ("E0308", "A[0, 0] = random()"),
    "a function of nowhere": ("E0305", "A[0, 0] = nowhere()"),
    "another error than the one caught": ("E0303", """
        for i in range(n):
            try:
                A[i, tokens.index("the")] = 1
            except IndexError:
                pass
    """),
}  # fmt: skip


@pytest.mark.parametrize(("code", "body"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_are_not_lifted(code: str, body: str) -> None:
    assert reason(body) == code


def test_a_text_is_split_into_so_many_pieces_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "A[0, 0] = len('a b c'.split())"
    monkeypatch.setattr(constants, "MAX_PIECES", 3)
    same_or_fails(body)
    monkeypatch.setattr(constants, "MAX_PIECES", 2)
    assert reason(body) == "E0309"


@pytest.mark.mistakes
def test_a_mistake_of_a_rule_costs_the_program_its_rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("attndsl.dsl.pyimport.lift.assemble.program", fail)
    text = source_of("A[0, 0] = 1")
    (found,) = import_python(SourceFile("file.py", text)).programs
    assert found.typed is None
    assert found.loops is not None
    (said,) = found.diagnostics
    assert "a bug of attndsl, please report it (KeyError: 'x')" in said.headline
    assert said.notes == ("`attndsl rule E0323` says more",)


SECOND_FORM = "d = {}\nd[0] += 2"


@pytest.mark.mistakes
@pytest.mark.parametrize("number", [0, 1])
def test_a_mistake_is_not_hidden_by_another_form(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of which the first form is not lifted, a further one is: either may meet a mistake of ours."""
    text = source_of(SECOND_FORM)
    (found,) = import_python(SourceFile("file.py", text)).programs
    assert found.typed is not None
    calls: list[object] = []

    def executed(*given: object) -> object:
        calls.append(given)
        if len(calls) == number + 1:
            raise KeyError("x")
        return real(*given)

    real = lift._execute
    monkeypatch.setattr(lift, "_execute", executed)
    (found,) = import_python(SourceFile("file.py", text)).programs
    assert found.typed is None
    assert "a bug of attndsl" in found.diagnostics[0].headline


@pytest.mark.parametrize(("less", "tried"), [(0, True), (1, False)])
def test_a_large_function_is_not_lifted_in_another_form(
    less: int, tried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = source_of(SECOND_FORM)
    (function,) = (s for s in ast.parse(text).body if isinstance(s, ast.FunctionDef) and s.name == "program")
    monkeypatch.setattr(lift, "_MOST_NODES", len(pytree.walk(function)) - less)
    (found,) = import_python(SourceFile("file.py", text)).programs
    assert (found.typed is not None) == tried


LINES = {
    "the second check in an earlier row": """
        for i in range(n):
            if i > 1:
                A[i, 0] = tokens.index("zz")
            A[i, 0] = [1][i]
    """,
    "the first check in an earlier row": """
        for i in range(n):
            A[i, 0] = [1, 2][i]
            if i > 3:
                A[i, 0] = tokens.index("zz")
    """,
    "two loops": """
        for i in range(n):
            if i > 3:
                k = tokens.index("zz")
        for i in range(n):
            A[i, 0] = [1][i]
    """,
    "a check of the whole text before": """
        k = [1, 2, 3, 4][n - 1]
        for i in range(n):
            A[i, 0] = [k][i]
    """,
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_is_pythons(name: str) -> None:
    text = source_of(LINES[name])
    (found,) = import_python(SourceFile("file.py", text)).programs
    assert found.typed is not None
    for tokens in (["a", "b", "c", "d", "e", "f"], ["a", "b", "c"]):
        with pytest.raises(Exception) as pythons:  # noqa: PT011  # whichever the program raises
            expected(text, tokens)
        with pytest.raises(DiagnosticError) as ours:
            interpret(found.typed, table(tokens))
        assert ours.value.diagnostics[0].line == pythons.traceback[-1].lineno + 1
