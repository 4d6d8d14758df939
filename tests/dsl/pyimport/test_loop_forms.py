"""While loops that count, taken apart: what is asked first, the counter, the range and where it ends, as recorded."""

from __future__ import annotations

import ast
import itertools

import pytest
from test_terms import same_as_recorded

from attndsl.dsl.pyimport.lift import whiles

STEPS = (
    "j += 1",
    "j -= 1",
    "j += 2",
    "j = j - 3",
    "j = k - 1",
    "j += 0",
    "j += True",
    "j += 1.0",
    "j *= 2",
    "j -= -1",
    "k += 1",
)
LIMITS = (
    "j < n", "j <= n", "j > 0", "j >= 0", "n > j", "n >= j", "0 < j", "0 <= j", "j != n", "j + 1 < n", "j - 1 >= 0",
    "j - 2 > 0", "j + 2 <= n", "1 + j < n", "j * 2 < n", "j + 1.5 < n", "j < n - 1 + len(t)", "j < len(j)", "j < j + 1",
    "j < n * 2", "j > -1", "j < -k", "j < k.x", "j < len(t[0])", "j < len(t, t)", "j < k + j", "j < j - k", "0 < j < n",
    "k < n", "j", "True", "n == j", "j < len(t) - j", "j < f(t)", "j < len(x=t)",
)  # fmt: skip
BODIES = (
    "A[j] = 1\n{step}", "{step}\nA[j] = 1", "A[j] = 1\n{step}\nA[j] = 2", "k += 1\n{step}", "{step}\nk += 1", "{step}",
    "if t:\n    continue\n{step}", "for i in t:\n    continue\n{step}", "{step}\nif t:\n    break", "{step}\n{step}",
    "A[j] = 1\n{step}\nk += 1", "A[j] = 1\n{step}\nA[0] = 2\nk += 1", "while t:\n    continue\n{step}",
)  # fmt: skip
TESTS = (
    "j < n and t[j]", "t[j] and j < n", "k != 2 and j < n", "k < n and j < n", "j < n and k < n", "j < n or t",
    "t and k and j < n", "k + 1 < 2 and j < n", "k < len(t) and j < n", "j < n and j > 0 and t",
)  # fmt: skip
FIRST = (
    "if j >= n:\n    break", "if not j < n:\n    break", "if j >= n or t[j]:\n    break",
    "if j < 0 or j > n:\n    break", "if n <= j:\n    break", "if j == n:\n    break", "if j >= n and t:\n    break",
    "if j >= n:\n    break\nelse:\n    k = 1", "if j >= n:\n    k = 1\n    break", "if 0 < j < 2:\n    break", "k = 1",
)  # fmt: skip


def _while(test: str, body: str, orelse: str = "") -> ast.While:
    inner = "".join(f"    {line}\n" for line in body.splitlines())
    after = f"else:\n    {orelse}\n" if orelse else ""
    (found,) = ast.parse(f"while {test}:\n{inner}{after}").body
    assert isinstance(found, ast.While)
    return found


def _shown(*nodes: ast.AST) -> str:
    return " | ".join(ast.unparse(ast.fix_missing_locations(x)).replace("\n", " / ") for x in nodes)


def _taken_apart(node: ast.While) -> str:
    body, tests = whiles._entered(node)
    ordered = whiles._bound_first(body, tests)
    count = whiles._counter(body, ordered[0])
    line = f"{_shown(node)}  =>  {_shown(*ordered)}"
    if count is None:
        return f"{line}: no counter\n"
    made = _shown(count.statement, whiles._range(count, "s"), whiles._ended(count, "s"))
    place = "first" if count.first else "last"
    return f"{line}: {count.name} by {count.step} to {_shown(count.bound)}, {place}; {made}\n"


def test_loops_are_taken_apart_as_recorded(request: pytest.FixtureRequest) -> None:
    loops = [_while(test, f"A[j] = 1\n{step}") for test, step in itertools.product(LIMITS, STEPS[:4])]
    loops += [_while("j < n", f"A[j] = 1\n{step}") for step in STEPS[4:]]
    loops += [_while(test, body.format(step="j += 1")) for test in ("j < n", "k < n") for body in BODIES]
    loops += [_while(test, f"A[j] = 1\nk += 2\n{step}") for test in TESTS for step in STEPS[:3]]
    loops += [_while(test, f"{first}\nj += 1") for first in FIRST for test in ("True", "1", "2", "j < n")]
    loops += [_while("True", f"{FIRST[0]}\nj += 1", "k = 1"), _while("j < n", "pass"), _while("j < n", "j += 1\npass")]
    same_as_recorded("loops", [_taken_apart(x) for x in loops], request)


def test_what_a_body_does_is_recorded(request: pytest.FixtureRequest) -> None:
    bodies = [b.format(step="j += 1") for b in BODIES]
    bodies += [
        "del j",
        "print(j)",
        "for j in t:\n    pass",
        "def f():\n    continue_ = 1",
        "k = lambda: j",
        "[j for j in t]",
    ]
    lines = []
    for text in bodies:
        body = ast.parse(text).body
        said = [
            whiles._changes(body, "j"),
            whiles._changes(body, "k", "i"),
            whiles._continues(body),
            whiles._breaks(body),
        ]
        lines.append(f"{_shown(*body)}: {said}\n")
    same_as_recorded("bodies", lines, request)


def test_the_whole_number_one_alone_is_a_step_of_one() -> None:
    for text, is_one in (("1", True), ("True", False), ("1.0", False), ("2", False), ("k", False)):
        assert whiles.is_one(ast.parse(text, mode="eval").body) == is_one
