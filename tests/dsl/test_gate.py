"""The text gate: what is refused, with which code, and that its work is linear."""

from __future__ import annotations

import ast
import sys
import threading
from contextlib import suppress

import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.gate import PROGRAM_LIMITS, TextLimits, check_text, check_tree, parse_python

HEAD = "def predict(sentence, tokens):\n    x = "


def code_of(text: str | bytes, limits: TextLimits = PROGRAM_LIMITS) -> str:
    with pytest.raises(DiagnosticError) as caught:
        parse_python(check_text(text, limits=limits), limits)
    return caught.value.diagnostics[0].code


REFUSED = [
    (b"\xff\xfe", "E0110"),
    ("# -*- coding: latin-1 -*-\nx = 1\n", "E0110"),
    ("x" * 40_000, "E0111"),
    ("é" * 20_000, "E0111"),
    ("\n" * 5_000, "E0111"),
    ("x = 'a\0b'\n", "E0112"),
    ("\ufeffx = 1\n", "E0112"),
    ("# \u202e\n", "E0112"),
    ("x = '\u200b'\n", "E0112"),
    ("if 1:\n\x0c    x = 1\n", "E0112"),
    ("x = 1\r", "E0112"),
    ("x = '\ud800'\n", "E0112"),
    ("x = 1 ? 2\n", "E0112"),
    ("x = 1" + " " * 200 + "? 2\n", "E0112"),  # a pattern that tries every way to read the spaces would never end
    (HEAD + "(" * 60 + ")" * 60, "E0113"),
    (HEAD + "-" * 5_000 + "1", "E0113"),
    (HEAD + "[" + "1," * 5_000 + "]", "E0114"),
    (HEAD + "+".join("1" * 1_900), "E0113"),
    (HEAD + "a" + "[0]" * 1_000, "E0113"),
    (HEAD + "a" + ".b" * 1_900, "E0113"),
    (HEAD + "1 if a else " * 500 + "2", "E0113"),
    (HEAD + "lambda: " * 500 + "2", "E0113"),
    (HEAD + "not " * 500 + "2", "E0113"),
    (HEAD + 'f"{' + "-" * 5_000 + '1}"', "E0113"),
    ("if a: pass\n" + "elif a: pass\n" * 500, "E0113"),
    ("".join(" " * i + "if a:\n" for i in range(60)) + " " * 60 + "pass\n", "E0113"),
    ("x=(1)\n" * 3_500, "E0114"),
    ("ｘ = 1\n", "E0115"),
    ("v\u0430lue = 1\n", "E0115"),
    ("\u0441\u043e\u0440\u0435 = 1\n", "E0115"),
    ("np_\u0430 = 1\n", "E0115"),
    ("_g\u0435tattr_ = 1\n", "E0115"),
    ("a\ufe0f = 1\n", "E0112"),
    ("\u1160 = 1\n", "E0115"),
    ("x" * 200 + " = 1\n", "E0116"),
    ("x = 0x" + "f" * 200 + "\n", "E0116"),
    ("x = (1,\n", "E0117"),
    ("x = 1)\n", "E0117"),
    ("x = (1]\n", "E0117"),
    ("x = 'abc\n", "E0117"),
    ("x = '''abc\n", "E0117"),
    ('x = f"{y["a"]}"\n', "E0117"),
    ("for x in:\n    pass\n", "E0118"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=range(len(REFUSED)))
def test_refused(text: str | bytes, code: str) -> None:
    assert code_of(text) == code


ACCEPTED = [
    "",
    "größe = 1\nα_decay = 2\nслово = 3\n",
    "x = 'Ġthe ▁the 😀 \u00a0'\n",
    "x = f'{a!r:>{w}} {{literal}} {b:.2f}' f\"{d['k']}\"\n",
    "x = '''a\nb\"c''' + r'\\n' + b'x'.decode()\n",
    "x = (1 +\n     2) \\\n    + 3\n",
    "def f(a, *, b=1, **c) -> 'x': return [i for i in a if i][::-1], {**c}, (yield)\n",
    "x = 1_000.5e-3j + 0xFF + .5\n",
    "# -*- coding: utf-8 -*-\r\nx = 1\r\n",
    "x = a and not b or c and not d\n" * 50,
    "t = {'a': 1, 'b': [1, 2, (3, 4)]}\n" * 50,
    "s = " + " ".join(["'piece'"] * 100) + "\n",
    "y = [" + ", ".join(f"tokens[{i}].strip() == 'x'" for i in range(150)) + "]\n",
    "z = (" + " or ".join(f"t.pos_ == 'P{i}'" for i in range(150)) + ")\n",
]


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepted(text: str) -> None:
    parse_python(check_text(text, limits=PROGRAM_LIMITS), PROGRAM_LIMITS)


def test_diagnostics_point_at_the_place() -> None:
    with pytest.raises(DiagnosticError) as caught:
        check_text("a = 1\nbb = '\u202e'\n", "file.py")
    found = caught.value.diagnostics[0]
    assert (found.line, found.column) == (2, 7)
    assert found.source is not None
    assert "\u202e" not in found.source.text  # showing it must not reorder a terminal


def test_line_ends_become_plain() -> None:
    assert check_text("a = 1\r\nb = 2\r\n").text == "a = 1\nb = 2\n"


def test_tree_depth_is_bounded_without_recursion() -> None:
    import ast

    source = check_text("x = 1")
    node: ast.expr = ast.Constant(1)
    for _ in range(200_000):
        node = ast.UnaryOp(ast.Not(), node)
    with pytest.raises(DiagnosticError) as caught:
        check_tree(ast.Module([ast.Expr(node)], []), source)
    assert caught.value.diagnostics[0].code == "E0113"
    while isinstance(node, ast.UnaryOp):  # taken apart by hand: freeing it would recurse
        node = node.operand


HOSTILE = [
    "(",
    "[",
    "{",
    "-",
    "not ",
    "lambda:",
    "a.",
    "a[0]",
    "1+",
    "f'{",
    "'",
    '"""',
    "\\\n",
    "if a:\n ",
    "elif a:\n",
    "a=",
    "@a\n",
    "\t",
    "0x",
    "é",
    "#",
    "'\\",
    "{1:",
    "a,",
    "*",
    "1 if 1 else ",
]


def answered(piece: str, size: int) -> None:
    text = HEAD + piece * (size // len(piece.encode()))
    with suppress(DiagnosticError):
        parse_python(check_text(text, limits=PROGRAM_LIMITS), PROGRAM_LIMITS)


def lines_run(piece: str, size: int) -> int:
    """How many lines of Python run until ``size`` bytes of ``piece`` are answered; load cannot change it."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        answered(piece, size)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_32_kb_is_answered_in_linear_work(piece: str) -> None:
    answered(piece, 32_000)
    small, large = lines_run(piece, 2_000), lines_run(piece, 8_000)
    assert large <= 4.4 * small + 2_000  # four times the text, four times the work; the rest is what every text costs


def test_many_threads_may_parse_at_once() -> None:
    deep = "x = " + "-" * 150 + "1\n" + "y = (1 + 2) * 3\n" * 50
    problems: list[str] = []

    def work() -> None:
        for _ in range(20):
            try:
                parse_python(check_text(deep))
            except BaseException as error:  # whatever it is, it is the finding
                problems.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_count_that_another_thread_upset_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real, answers = ast.parse, [SystemError("AST constructor recursion depth mismatch (before=42, after=39)")]

    def parse(text: str) -> ast.Module:
        if answers:
            raise answers.pop()
        return real(text)

    monkeypatch.setattr("attndsl.dsl.gate.ast.parse", parse)
    assert len(parse_python(check_text("x = 1\n")).body) == 1
