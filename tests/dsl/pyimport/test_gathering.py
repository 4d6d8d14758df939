"""Dicts that gather, put as one call each: run in Python, the call does what the statements did, and as recorded.

Every combination of the ways to write it, and of their near misses, is one small function.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attndsl.dsl.pyimport.lift.gathering import APPEND, FIRST, SUM, rewritten
from attndsl.dsl.source import SourceFile

GOLDEN = Path(__file__).parents[2] / "golden" / "gathering.txt"
ITEMS = [(5, 1), (2, 3), (5, 3), (3, 5), (2, 0), (1, 2)]
STARTS = (
    "d = {}", "d = dict()", "d = e = {}", "d: dict = {}", "d: dict", "d = {5: 1}", "d = {**e}", "d = list()",
    "d = defaultdict(list)", "d = defaultdict(int)", "d = collections.defaultdict(float)", "d = defaultdict()",
    "d = defaultdict(lambda: 0)", "d = defaultdict(list, {})", "d = collections.Counter()", "d, e = {}, {}",
    "d = e.copy() or {}",
)  # fmt: skip
ALONE = (
    "d.setdefault(k, []).append(x)", "d.setdefault(k, list()).append(x)", "d.setdefault(k, [0]).append(x)",
    "d.setdefault(k, []).extend([x])", "d.setdefault(k).append(x)", "d.get(k, []).append(x)",
    "e.setdefault(k, []).append(x)",
    "d[k].append(x)", "d[k].append([x])", "d[k].extend([x])", "d[k] += x", "d[k] -= x", "d[k] += [x]", "d[k][0] += x",
    "d[k] = d.get(k, 0) + x", "d[k] = d.get(k, 0) - x", "d[k] = d.get(k, 1) + x", "d[k] = d.get(x, 0) + x",
    "d[k] = d.get(k, []) + [x]", "d[k] = d.get(k, list()) + [x]", "d[k] = d.get(k, []) + [x, x]",
    "d[k] = d.get(k, []) + x", "d[k] = d.get(k, [0]) + [x]", "d[k] = d.get(k) + x", "d[k] = e.get(k, 0) + x",
    "d[k] = e[k] = d.get(k, 0) + x", "d[x] = d.get(k, 0) + x", "d[k] = d.pop(k, 0) + x", "d[k] = x + d.get(k, 0)",
    "e = d.get(k, 0) + x", "d[k] = d.get(k, 0, *()) + x", "d[k] = len(d) + x", "out.append(x)", "d.append(x)",
    "d[k] = get(k, 0) + x",
)  # fmt: skip
TESTS = ("k in d", "k not in d", "not k in d", "x not in d", "k not in e", "k not in d.keys()", "k == d",
         "k in d in [d]", "k not in (d)")  # fmt: skip
STEPS = (
    "pass", "d[k] = x", "d[k] = 0", "d[k] = []", "d[k] = list()", "d[k] = [x]", "d[k] = [x, x]", "d[k] = [0]",
    "d[x] = x", "d[k] = e[k] = x", "d[k] += x", "d[k] += 1", "d[k].append(x)", "d[k].append(k)", "d[x].append(x)",
    "d[x] += x",
)  # fmt: skip
MORE = (
    "d[k] = x; out.append(x)", "d[k] = x; out.append(d[k])", "out.append(k); d[k] = [x]", "d[k] = x; k = 2",
    "d[k] = x; x = 7",
    "d[k] = x; continue", "k = 2; d[k] = x", "out.append(d.get(k)); d[k] += x", "d[k].append(x); out.append(d[k][0])",
    "d[k] += x; d[k] += x", "d.pop(k)", "out.append(d[k])", "d[k] = x + 1",
)  # fmt: skip
FOLLOWING = (
    "",
    "d[k] += x",
    "d[k].append(x)",
    "out.append(d[k]); d[k] += x",
    "d.update({k: 5})",
    "d[k] += x; d[k] += x",
)


def _bodies() -> Iterator[tuple[str, str]]:
    """How the dict starts, and the body of the loop over keys k and items x."""
    yield from itertools.product(STARTS, ALONE)
    plain = [*STEPS, *MORE]
    for test, first, there in itertools.product(TESTS[:2], plain, plain):
        yield "d = {}", f"if {test}: {first}\nelse: {there}"
    for test, step, then in (
        *itertools.product(TESTS[:2], plain, FOLLOWING),
        *itertools.product(TESTS[2:], ("d[k] = x", "d[k] = []", "pass"), FOLLOWING[:3]),
    ):
        yield "d = {}", f"if {test}: {step}\n{then}"
    for start, step, then in itertools.product(STARTS, ("d[k] = x", "d[k] = 0", "d[k] = [x]"), FOLLOWING[1:3]):
        yield start, f"if k not in d: {step}\n{then}"


class _Gathering(dict[Any, Any]):
    """A dict with the calls that say it at once."""


setattr(_Gathering, APPEND, lambda self, k, x: self.setdefault(k, []).append(x))
setattr(_Gathering, SUM, lambda self, k, x: self.__setitem__(k, self.get(k, 0) + x))
setattr(_Gathering, FIRST, lambda self, k, x: self.setdefault(k, x))


class _Defaults(_Gathering):
    def __init__(self, made: Any = None, *rest: Any) -> None:
        super().__init__(*rest)
        self.made = made

    def __missing__(self, key: Any) -> Any:
        if self.made is None:
            raise KeyError(key)
        self[key] = self.made()
        return self[key]


class _Counts(_Gathering):
    def __missing__(self, key: Any) -> int:
        return 0


class _Empty(ast.NodeTransformer):
    """A dict display as a call, so that it has the methods."""

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        return ast.copy_location(ast.Call(ast.Name("dict", ast.Load()), [node], []), node)


def _outcome(function: ast.FunctionDef, names: dict[str, Any]) -> Any:
    """What the function leaves behind. Only this test's own functions are run here."""
    module = ast.fix_missing_locations(ast.Module([function], []))
    scope: dict[str, Any] = {**names, "collections": type("module", (), names)}
    exec(compile(module, "<own test function>", "exec"), scope)
    try:
        out, d, e = scope["f"](ITEMS)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None  # how far it came may differ: a program that fails gives no matrix
    return out, (dict(d) if isinstance(d, dict) else d), dict(e)


def _function(start: str, body: str) -> str:
    inside = "\n".join("        " + line for line in body.splitlines())
    before = f"    out, e = [], dict([(1, 2)])\n    {start}\n    for k, x in items:\n"
    return f"def f(items):\n{before}{inside}\n    return out, d, e"


def test_a_dict_that_gathers_does_what_python_does(request: pytest.FixtureRequest) -> None:
    genuine = {"dict": dict, "defaultdict": defaultdict, "Counter": Counter}
    calls = {"dict": _Gathering, "defaultdict": _Defaults, "Counter": _Counts}
    lines = []
    for start, body in dict.fromkeys(_bodies()):
        text = _function(start, body)
        function = ast.parse(text).body[0]
        assert isinstance(function, ast.FunctionDef)
        found = rewritten(function, SourceFile("f", text))
        if found is function:
            continue
        after = ast.unparse(found)
        if after != ast.unparse(function):
            before = f"{start}; {body}".replace("\n", "; ")
            lines.append(f"{before}  =  {'; '.join(after.splitlines()[4:-1])}\n")
            want = _outcome(function, genuine)
            assert _outcome(_Empty().visit(found), calls) == want, f"{text}\nbecame\n{after}"
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text("".join(lines), encoding="utf-8")
    assert "".join(lines) == GOLDEN.read_text(encoding="utf-8")
