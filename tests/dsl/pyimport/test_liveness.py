"""Which names a loop leaves behind for anyone to read: checked against walks through random functions."""

from __future__ import annotations

import ast
import contextlib
import random

import pytest

from attndsl.dsl.pyimport.lift.liveness import _Liveness, after_loops

NAMES = "abcdef"


def _live(text: str) -> list[set[str]]:
    """The live names of each loop of the first function, in the order of the text."""
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    found = after_loops(function)
    return [set(found[x]) for x in ast.walk(function) if isinstance(x, ast.For) and x in found]


@pytest.mark.parametrize(
    ("body", "live"),
    [
        ("for i in n:\n  t = i\n  use(t)", {"use"}),
        ("for i in n:\n  t = i\nreturn t", {"t"}),
        ("for i in n:\n  use(t)\n  t = i", {"use", "t"}),
        ("for i in n:\n  if i:\n    t = i\n  use(t)", {"use", "t"}),
        ("for i in n:\n  if i:\n    t = i\n  else:\n    t = 1\n  use(t)", {"use"}),
        ("for i in n:\n  if i:\n    continue\n  t = i\nt = 2\nreturn t", set()),
        ("for i in n:\n  if i:\n    t = 3\n    break\nelse:\n  t = 2\nreturn t", {"t"}),
        ("for i in n:\n  t += i", {"t"}),
        ("for i in n:\n  t = 1", set()),
        ("for i in n:\n  if i:\n    t = 1", set()),
        ("for i in n:\n  if i:\n    break\n  t = 1", set()),
        ("for i in n:\n  if i:\n    continue\n  t = 1", set()),
        ("for i in n:\n  t: int\nreturn t", {"t", "int"}),
        ("for i in n:\n  (t := i)\nreturn t", {"t"}),
        ("for i in n:\n  x[t] = 1", {"x", "t"}),
        ("for i in n:\n  global t\n  t = 1", {"t"}),
        ("for i in n:\n  t = 1\nelse:\n  use(t)", {"use", "t"}),
        ("for i in n:\n  t = [t for t in i]\nt = 1", {"t"}),
        ("for i in n:\n  t = i\nuse([1 for t in n])\nreturn t", {"use", "n", "t"}),
        ("g = lambda: t\nfor i in n:\n  t = i\ng()", {"t", "g"}),
        ("try:\n  for i in n:\n    t = i\n  t = 1\nexcept E:\n  use(t)", {"t", "i", "n", "E", "use"}),
        ("for i in n:\n  while s:\n    break\n  t = i", {"s"}),
        ("while n:\n  for i in n:\n    t = i\n  use(i)", {"n", "i", "use"}),
    ],
)
def test_names_that_are_read_after_an_iteration(body: str, live: set[str]) -> None:
    text = "def f(n):\n" + "\n".join("  " + line for line in body.splitlines())
    assert _live(text) == [live]


def test_each_name_has_a_bit_of_its_own() -> None:
    names = _Liveness()
    assert [names.bit(x) for x in "aba"] == [1, 2, 1]


def test_a_break_skips_what_the_rest_of_the_body_sets() -> None:
    text = "def f(n):\n for i in n:\n  if i:\n   for j in n:\n    t = j\n   break\n  t = 0\n return t"
    assert _live(text) == [{"t", "n"}, {"t"}]


# ---------------------------------------------------------------- walks through random functions


class _Jump(Exception):
    pass


class _Break(_Jump):
    pass


class _Continue(_Jump):
    pass


class _Return(_Jump):
    pass


class _Error(_Jump):
    pass


def _body(rng: random.Random, depth: int, in_loop: bool) -> list[str]:
    out: list[str] = []
    for _ in range(rng.randrange(1, 4)):
        a, b, c = (rng.choice(NAMES) for _ in range(3))
        kind = rng.randrange(12 if depth else 6)
        if kind < 3:
            out.append(f"{a} = {b} + {c}")
        elif kind == 3:
            out.append(f"{a} += {b}")
        elif kind == 4:
            out.append(f"{a} = [{b} for {b} in {c}]")
        elif kind == 5:
            out.append(rng.choice(["break", "continue", "return a"]) if in_loop and rng.random() < 0.5 else f"use({a})")
        elif kind < 8:
            out += [f"if {a}:", *_inside(rng, depth, in_loop)]
            if rng.random() < 0.6:
                out += ["else:", *_inside(rng, depth, in_loop)]
        elif kind < 11:
            out += [rng.choice([f"for {a} in {b}:", f"while {a}:"]), *_inside(rng, depth, True)]
            if rng.random() < 0.3:
                out += ["else:", *_inside(rng, depth, in_loop)]
        else:
            out += ["try:", *_inside(rng, depth, in_loop), "except E:", *_inside(rng, depth, in_loop)]
    return out


def _inside(rng: random.Random, depth: int, in_loop: bool) -> list[str]:
    return [" " + line for line in _body(rng, depth - 1, in_loop)]


class _Walk:
    """One way through a function, chosen at random; a name that is said to be read no more must not be."""

    def __init__(self, function: ast.FunctionDef, rng: random.Random) -> None:
        self.live, self.rng = after_loops(function), rng
        self.gone: set[str] = set()
        self.may_raise = 0
        self.forgotten = 0

    def expression(self, node: ast.expr) -> None:
        inside = {x.target.id for x in ast.walk(node) if isinstance(x, ast.comprehension)}  # type: ignore[attr-defined]
        for x in ast.walk(node):
            if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load) and x.id not in inside:
                assert x.id not in self.gone, (x.id, x.lineno)

    def set(self, target: ast.expr) -> None:
        assert isinstance(target, ast.Name)
        self.gone.discard(target.id)

    def run(self, body: list[ast.stmt]) -> None:
        for s in body:
            if self.may_raise and self.rng.random() < 0.1:
                raise _Error
            self.statement(s)

    def statement(self, s: ast.stmt) -> None:
        match s:
            case ast.Assign(targets=[target], value=value):
                self.expression(value)
                self.set(target)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                assert name not in self.gone, name
                self.expression(value)
            case ast.Expr(value=value):
                self.expression(value)
            case ast.If(test=test):
                self.expression(test)
                self.run(s.body if self.rng.random() < 0.5 else s.orelse)
            case ast.For() | ast.While():
                self.loop(s)
            case ast.Try():
                self.tried(s)
            case ast.Return(value=value):
                assert value is not None
                self.expression(value)
                raise _Return
            case _:
                raise _Break if isinstance(s, ast.Break) else _Continue

    def tried(self, s: ast.Try) -> None:
        self.may_raise += 1
        try:
            self.run(s.body)
        except _Error:
            self.may_raise -= 1
            self.run(s.handlers[0].body)
        except _Jump:
            self.may_raise -= 1
            raise
        else:
            self.may_raise -= 1

    def loop(self, s: ast.For | ast.While) -> None:
        if isinstance(s, ast.For):
            self.expression(s.iter)
        for _ in range(self.rng.randrange(3)):
            self.expression(s.test) if isinstance(s, ast.While) else self.set(s.target)
            try:
                self.run(s.body)
            except _Continue:
                pass
            except _Break:
                self.forget(s)
                return
            self.forget(s)
        if isinstance(s, ast.While):
            self.expression(s.test)
        self.run(s.orelse)
        self.forget(s)

    def forget(self, s: ast.For | ast.While) -> None:
        if isinstance(s, ast.For):
            new = {*NAMES} - self.live[s]
            self.forgotten += len(new)
            self.gone |= new


@pytest.mark.parametrize("seed", range(60))
def test_no_way_through_a_function_reads_what_is_said_to_be_read_no_more(seed: int) -> None:
    rng = random.Random(seed)
    text = "\n".join(["def f(a):", *(" " + line for line in _body(rng, 4, False)), " for x in a:", "  b = x"])
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    forgotten = 0
    for _ in range(60):
        walk = _Walk(function, rng)
        with contextlib.suppress(_Jump):
            walk.run(function.body)
        forgotten += walk.forgotten
    assert forgotten or not any(isinstance(s, ast.For) for s in function.body[-1:])
