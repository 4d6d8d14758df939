# ruff: noqa: E501  (a snippet of Python is easier to read on one line)
"""Small pieces of Python: the bounded tier against Python itself, value by value and error by error."""

from __future__ import annotations

import gc
import textwrap
import traceback
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.loops import Limits, compile_bounded
from attndsl.runtime.loops.program import BoundedProgram

WORDS = ("The", "cat", ",", "the", "dog", "(", "2", ")", ".", "Zoë")


def table(words: tuple[str, ...] = WORDS) -> TokenTable:
    """A table of whole words, as a tokenizer that splits at spaces would give it."""
    starts = [sum(len(w) + 1 for w in words[:k]) for k in range(len(words))]
    n = len(words)
    return TokenTable(
        " ".join(words), tuple(range(n)), words, tuple(starts), tuple(s + len(w) for s, w in zip(starts, words, strict=True)), words,
        (False,) * n, (True,) * n, (0,) * n, (False,) * n,
    )  # fmt: skip


HEAD = "import math\nimport re\nfrom collections import Counter, OrderedDict, defaultdict, deque\nimport numpy as np\n\n"


def source_of(body: str) -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return (
        f"{HEAD}def predict(sentence, tokens):\n    n = len(tokens)\n    m = np.zeros((n, n))\n{lines}\n    return m\n"
    )


def ours(text: str, limits: Limits | None = None) -> Any:
    (check,) = check_module(read_module(text, "snippet.py")).values()
    assert check.ok, check.diagnostics
    program = compile_bounded(check) if limits is None else compile_bounded(check, limits=limits)
    return program.run(table())


def pythons(text: str) -> Any:
    """The snippet run by Python itself; it was written for this test."""
    namespace: dict[str, Any] = {}
    exec(compile(text, "snippet.py", "exec"), namespace)
    with np.errstate(all="ignore"):
        return np.asarray(namespace["predict"](" ".join(WORDS), list(WORDS)), dtype=float)


SNIPPETS = [
    "m[:, 0] = sum(i * j for i in range(3) for j in range(i) if i != j)",
    "m[0] = [len(t) for t in tokens]",
    "m[0, :3] = [x ** 2 / 3 for x in (1, 2.5, -4)]",
    "a, (b, *c) = 1, (2, 3, 4)\nm[0, 0] = a + b * sum(c)",
    "first, *rest = tokens\nm[0, 0] = len(first) + len(rest)",
    "for i in range(n):\n    if i == 3:\n        continue\n    if i == 7:\n        break\n    m[i, i] = 1\nelse:\n    m[0, 0] = 9",
    "k = 5\nwhile k:\n    k -= 1\n    m[k, 0] += k\nelse:\n    m[9, 9] = 1",
    "d = {'a': 1, **{'b': 2}}\nd['c'] = d.pop('a')\nm[0, 0] = sum(d.values())\nm[0, 1] = list(d).index('c')",
    "d = defaultdict(list)\nfor i, t in enumerate(tokens):\n    d[t.lower()].append(i)\nm[0, d['the']] = 1",
    "c = Counter(t[0].lower() for t in tokens)\nm[0, 0] = c['t']\nm[0, 1] = c.most_common(1)[0][1]",
    "f = lambda x, y=2, *z, k=3: x + y * k + len(z)\nm[0, :4] = [f(1), f(1, 5), f(1, 2, 9, k=1), f(x=4, y=0)]",
    "fs = [lambda: i for i in range(3)]\nm[0, 0] = fs[0]()",
    "def outer():\n    total = 0\n    def add(x):\n        nonlocal total\n        total += x\n        return total\n    return add\n"
    "a, b = outer(), outer()\nm[0, :4] = [a(1), a(2), b(5), a(3)]",
    "m[0, 0] = next((i for i, t in enumerate(tokens) if t == '.'), -1)",
    "m[0, 0] = min(range(n), key=lambda j: (abs(j - 4), -j))",
    "order = sorted(range(n), key=lambda j: tokens[j].lower(), reverse=True)\nm[0] = order",
    "for i, (a, b) in enumerate(zip(tokens, tokens[1:])):\n    m[i, i + 1] = a < b",
    "for r, j in enumerate(reversed([i for i in range(n) if i % 2])):\n    m[r, j] = 1 / (r + 1)",
    "m[0, 0] = 1 if 'cat' in tokens and 'x' not in tokens or False else 2",
    "m[0, 0] = 1 < 2 < 3 != 4\nm[0, 1] = (1 < 3 < 2) + (not [])",
    "m[0, 0] = (x := 4) + x\nm[0, 1] = [y := 2, y ** 2][1]\nm[0, 2] = sum((z := k) for k in range(4)) + z",
    "m[0, 0] = int('12') + float('1e-3') + len(str(3.50)) + round(2.5) + round(2.675, 2)",
    "m[0, 0] = len(f'{n:03d}|{0.5:.2f}|{tokens[0]!r}|{tokens[1]:>8}')",
    "m[0, 0] = len('{} {name:.1f}'.format(n, name=0.25))",
    "m[0, 0] = -7 // 2 + -7 % 3 + 7 % -3 + (5 & 3) + (5 | 8) + (5 ^ 1) + (1 << 4) + (-9 >> 1) + ~3",
    "s = {3, 1, 2} | {9} - {1}\nm[0, :len(s)] = sorted(s)",
    "s = set()\nfor k in (40, 8, 16, 1, 33, 9, 0):\n    s.add(k)\nm[0, :7] = list(s)",
    "m[0, :5] = [k for k in {17, 3, 64, 32, 96}]",
    "m[0, :4] = [a for a, b in {(1, 2): 0, (0, 3): 1, (7, 7): 2, (-1, 5): 3}]",
    "x = [1, 2, 3, 4, 5]\nx[1:3] = [9]\ndel x[0]\nx += (7,)\nx *= 2\nm[0, :len(x)] = x",
    "x = [3, 1, 2]\nx.sort(key=lambda v: -v)\nx.insert(1, 8)\nx.extend(range(2))\nx.remove(2)\nm[0, :len(x)] = x[::-1]",
    "try:\n    m[0, 0] = {}['x']\nexcept (IndexError, KeyError) as e:\n    m[0, 0] = len(e.args)\nelse:\n    m[0, 0] = 5\n"
    "finally:\n    m[0, 1] = 7",
    "def f(k):\n    try:\n        return 1 // k\n    except ZeroDivisionError:\n        return -1\n    finally:\n        m[0, 2] += 1\n"
    "m[0, :2] = [f(0), f(1)]",
    "for k in range(3):\n    try:\n        if k == 1:\n            raise ValueError('no')\n        m[k, 0] = 1\n    except ValueError:\n"
    "        m[k, 1] = 1\n        continue\n    m[k, 2] = 1",
    "m += np.arange(n)[:, None] - np.arange(n)[None, :]\nm[m < 0] = 0\nm[[0, 2], 1] = 5\nm[-1] /= 3",
    "m[np.tril_indices(n)] = 0.5\nnp.fill_diagonal(m, 2)\nm = m / m.sum(axis=1, keepdims=True)",
    "w = np.exp(-np.arange(5) / 2.0)\nw /= w.sum()\nm[0, :5] = np.clip(w, 0.1, 0.3)\nm[1, :5] = np.cumsum(w)[::-1]",
    "m[0] = np.where(np.array([len(t) for t in tokens]) > 2, 1.0, np.nan)\nm[1] = np.nan_to_num(m[0]) + np.isnan(m[0])",
    "m[0, 0] = np.float64(1) / 0\nm[0, 1] = np.log(0.0)\nm[0, 2] = np.sqrt(-1.0)",
    "a = np.array([3, 1, 2])\nm[0, :3] = np.argsort(a)\nm[0, 3] = a.argmax()\nm[0, 4] = np.count_nonzero(a > 1)\nm[1, :3] = a[::-1] @ np.eye(3)",
    "a = np.array(tokens)\nm[0] = a == 'the'\nm[1, 0] = len(np.unique(a))",
    "m[0] = np.maximum.accumulate([len(t) for t in tokens])",
    "p = re.compile(r'^[A-Z][a-z]+$')\nm[0] = [bool(p.match(t)) for t in tokens]\nm[1, 0] = len(re.findall(r'\\w+', sentence))",
    "m[0, 0] = math.sqrt(2) + math.exp(-1) + math.log1p(0.5) + math.pi",
    "m[0] = [t.strip('().,').lower().isalpha() for t in tokens]\nm[1, 0] = ' '.join(tokens).count('the')",
    "m[0, 0] = sum(map(len, filter(str.isalpha, tokens)))\nm[0, 1] = len(list(map(str.lower, tokens)))",
    "m[0, 0] = isinstance(n, int) + isinstance(m, np.ndarray) + (type(tokens) == list) + callable(len)",
    "x = None\nm[0, 0] = 3 if x is None else 4\nassert x is None, 'never'",
    "global_like = [[0] * 3 for _ in range(2)]\nglobal_like[0][1] = 5\nm[:2, :3] = global_like",
    "m[0, 0] = max([1, 5, 3]) - min(2, 7) + abs(-3) + sum([[1], [2]], [])[1] + divmod(7, 2)[1]",
    "m[0, 0] = len({t for t in tokens} & {'the', 'cat'})\nm[0, 1] = any(w in tokens for w in {'x', 'cat', 'y'})",
    "total = 0.0\nfor w in {'the', 'cat', 'dog'}:\n    total += 0.25 * (w in tokens)\nm[0, 0] = total",
    "it = iter(tokens)\nm[0, 0] = len(next(it)) + len(next(it, ''))\nm[0, 1] = sum(1 for _ in it)",
    "x = 5\ndef show(y=x):\n    return y\nx = 6\nm[0, 0] = show()",
    "m[0, 0] = 0 or 'a' and 3\nm[0, 1] = bool('') + bool([0])\nm[0, 2] = True + True",
    "rows = list(zip(*[[1, 2], [3, 4]]))\nm[:2, :2] = rows",
    "a = b = [1]\na.append(2)\nm[0, :2] = b",
    "x = deque([5, 6, 7], maxlen=4)\nx.append(8)\nx.appendleft(4)\nm[0, 0] = x.pop() + 10 * x.popleft()\nx.insert(1, 9)\n"
    "x.remove(6)\nx.extend([1])\nx.reverse()\nx.rotate(1)\nm[0, 1:3] = x.index(9), x.count(1)\nm[1, :len(x)] = list(x.copy())",
    "d = OrderedDict(a=1, b=2, c=3)\nm[0, 0] = d.popitem(last=False)[1] + 10 * d.popitem()[1]\n"
    "e = defaultdict(int, {'x': 4})\ne['y'] += 1\nm[0, 1] = sum(e.values()) + (type(e) == defaultdict) + isinstance(e, dict)\n"
    "m[0, 2] = (type(deque()) == deque) + ({1: 2} | {3: 4})[3] + len({1: 2}.keys() & {1, 5})",
    "m[0, 0] = len('%s-%5.2f %d%% %r' % (tokens[1], 0.5, 3.7, 'a')) + ('%(a)02d' % {'a': 3} == '03')\nm[0, 1] = '%s' % n == '10'",
    "m[0, 1] = n.bit_length() + (0.5).is_integer() + (3.0).is_integer()\nm[0, 0] = len(re.sub('(a)', r'\\1\\1', 'banana')) + len(re.sub('a', lambda f: f.group(0) * 3, 'banana'))",
    "m[0, 0] = len(str([tokens, {1: (2.5, None)}, {3}])) + len(repr(np.array(tokens))) + len(f'{tokens}')",
    "a = np.array(tokens)\nm[0] = np.where(a == 'the', a, 'x') == 'x'\nm[1, :3] = np.array([1, 22, 3]).astype(str) == ['1', '22', '4']",
    "m[0, 0] = len(sentence.split()) + sentence.find('cat') + sentence.index('dog') + ord('a') + len(chr(233))",
]

FAILING = [
    "x = [1]\nm[0, 0] = x[3]",
    "m[0, 0] = {'a': 1}['b']",
    "m[0, 0] = 1 / (n - n)",
    "m[0, 0] = None + 1",
    "m[0, 0] = int('x')",
    "m[0, 0] = max([])",
    "m[n, 0] = 1",
    "m[0] = [1, 2, 3]",
    "a, b = [1, 2, 3]",
    "a, b = range(1)",
    "tokens.lower()",
    "x = deque([1])\nx.pop()\nx.pop()",
    "x = deque([1])\nx.remove(2)",
    "m[0, 0] = len('%d' % 'a')",
    "m[0, 0] = len('%s %s' % 'a')",
    "m[0, 0] = len('%q' % 1)",
    "x = (1\n     + len(tokens)\n     / 0)",
    "y = [z for z in range(3)\n     if z / 0]",
    "if n < 0:\n    q = 1\nm[0, 0] = q",
    "def f(x):\n    return x\nf(1, 2)",
    "def f(x):\n    return (\n        x.lower() if False else x.pop()\n    )\nm[0, 0] = f(\n    []\n)",
    "raise ValueError('by hand')",
    "assert n < 0, 'no'",
    "m[0, 0] = next(iter([]))",
    "x = {}\nx[[1]] = 2",
    "for i in n:\n    pass",
    "try:\n    1 / 0\nexcept ZeroDivisionError:\n    m[0, 0] = 'a' + 1",
    "m[0, 0] = 5\nm[0, 1] = m @ np.ones(3)",
    "del tokens[99]",
    "len(5)",
    "n()",
    "m[0, 0] = 'a' < 1",
    "m[0, 0] = [1, 2].index(3)",
    "np.zeros((2, 2)) + np.zeros((3, 3))",
    "f = lambda k: k[0]\nsorted([1, 2], key=f)",
    "x = tokens[0]\nx[0] = 'a'",
    "g = lambda: h\nh2 = 1\nh = g()",
]


@pytest.mark.parametrize("body", SNIPPETS)
def test_same_values_as_python(body: str) -> None:
    text = source_of(body)
    np.testing.assert_array_equal(ours(text), pythons(text))


@pytest.mark.parametrize("body", FAILING)
def test_same_errors_as_python(body: str) -> None:
    text = source_of(body)
    with pytest.raises(Exception) as pythons_own:  # noqa: PT011  (whatever Python raises is what we want)
        pythons(text)
    line = [f.lineno for f in traceback.extract_tb(pythons_own.value.__traceback__) if f.filename == "snippet.py"][-1]
    with pytest.raises(DiagnosticError) as caught:
        ours(text)
    (found,) = caught.value.diagnostics
    assert found.line == line
    assert f"{type(pythons_own.value).__name__}" in found.headline
    assert "E0450" <= found.code <= "E0458"


LIMITED = [
    ("while True:\n    pass", "E0460"),
    ("for x in range(10**12):\n    pass", "E0460"),
    ("list(range(10**12))", "E0460"),
    ("sum(1 for x in range(10**12))", "E0460"),
    ("0.5 in range(10**15)", "E0460"),
    ("x = []\nx[0:0] = range(10**12)", "E0460"),
    ("np.zeros((10**6, 10**6))", "E0461"),
    ("np.ones((10**6, 1)) * np.ones((1, 10**6))", "E0461"),
    ("np.tile([1], 10**10)", "E0461"),
    ("np.arange(10**12)", "E0461"),
    ("[0] * 10**10", "E0461"),
    ("x = [1]\nwhile True:\n    x = x + x", "E0461"),
    ("'a' * 10**10", "E0462"),
    ("f'{1:{10**9}}'", "E0462"),
    ("'a'.ljust(10**9)", "E0462"),
    ("'aaa'.replace('a', 'b' * 10**6)", "E0462"),
    ("10 ** 10 ** 8", "E0464"),
    ("1 << (1 << 40)", "E0464"),
    ("fs = []\ndef f(k):\n    return fs[0](k)\nfs.append(f)\nf(1)", "E0463"),
    ("np.array([None, tokens, {}])", "E0465"),
    ("np.array([len, max])", "E0465"),
    ("re.match(r'(a+)+$', 'a' * 50)", "E0466"),
    ("str(lambda: 1)", "E0466"),
    ("w = 0\nfor t in {'b', 'a', 'c', 'd', 'e'}:\n    w = ord(t)\nm[0, 0] = w", "E0470"),
    ("try:\n    while True:\n        pass\nexcept:\n    m[0, 0] = 1", "E0460"),
    ("m = m[:1]", "E0468"),
    ("m = [['1'] * n] * n", "E0468"),
]


@pytest.mark.parametrize(("body", "code"), LIMITED)
def test_what_is_too_much_ends_the_run(body: str, code: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        ours(source_of(body), Limits(steps=200_000, cells=2_000_000, characters=100_000))
    assert [d.code for d in caught.value.diagnostics] == [code]


LONG = "t = 'x' * 90_000\nL = [t] * 2_000\na = np.array([t, 'b'])\n"
LARGE = [
    ("str(L)", "E0462"),
    ("repr({1: L})", "E0462"),
    ("print(L)", "E0462"),
    ("str(ValueError(L))", "E0462"),
    ("'" + "{0}" * 2_000 + "'.format(t)", "E0462"),
    ("'" + "{0:90000}" * 900 + "'.format(1)", "E0462"),
    ("f'" + "{t}" * 2_000 + "'", "E0462"),
    ("'%s' * 2_000 % tuple(L)", "E0462"),
    ("'%90000d' * 900 % tuple([1] * 900)", "E0462"),
    ("'%*d' % (9, 1)", "E0466"),
    ("re.sub('x', t, t)", "E0462"),
    ("re.sub('X', t, t, 0, re.IGNORECASE)", "E0462"),
    ("re.sub('(x)', r'\\1' * 2_000, t)", "E0462"),
    ("re.sub('x', lambda found: t, t[:2_000])", "E0462"),
    ("np.array(L)", "E0461"),
    ("np.array([L, L])", "E0461"),
    ("np.unique(L)", "E0461"),
    ("np.tile(a, 900)", "E0461"),
    ("np.repeat(a, 900)", "E0461"),
    ("a.repeat(900)", "E0461"),
    ("np.concatenate([a] * 900)", "E0461"),
    ("np.full((n, 100), t)", "E0461"),
    ("np.where(np.zeros((n, 100)) == 0, t, 'b')", "E0461"),
    ("np.zeros((n, 100), dtype='U90000')", "E0461"),
    ("np.zeros((n, 100)).astype('<U90000')", "E0461"),
    ("np.zeros(1_000_000).astype(str)", "E0461"),
    ("np.array([[t] * 9]) + np.array([['b']] * 9)", "E0461"),
]


@pytest.mark.parametrize(("body", "code"), LARGE)
def test_a_long_text_many_times_is_not_made(body: str, code: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DiagnosticError) as caught:
            ours(source_of(LONG + body), Limits(cells=2_000_000, characters=100_000))
        assert [d.code for d in caught.value.diagnostics] == [code]
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say how much memory is taken")
def test_the_memory_of_the_process_is_looked_at_between_steps() -> None:
    body = "L = []\nfor _ in range(10**7):\n    L.append([0, 0, 0, 0, 0, 0, 0, 0])"
    with pytest.raises(DiagnosticError, match="takes more than 60 MB"):
        ours(source_of(body), Limits(megabytes=60))


def test_a_run_that_fails_lets_go_of_what_it_made() -> None:
    gc.disable()
    tracemalloc.start()
    try:
        with pytest.raises(DiagnosticError):
            ours(source_of("x = np.ones(4_000_000)\n1 / 0"))
        assert tracemalloc.get_traced_memory()[0] < 8_000_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_limit_ends_a_program_whose_sets_are_walked_in_several_orders_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts = []
    attempt = BoundedProgram._attempt
    monkeypatch.setattr(BoundedProgram, "_attempt", lambda *given: attempts.append(1) or attempt(*given))
    with pytest.raises(DiagnosticError):
        ours(source_of("for w in {'a', 'b'}:\n    pass\nwhile True:\n    pass"), Limits(steps=10_000))
    assert len(attempts) == 1


def test_loop_variables_are_named() -> None:
    with pytest.raises(DiagnosticError) as caught:
        ours(source_of("for i in range(n):\n    for j in range(i):\n        m[i, j] = 1 / (j - 2)"))
    assert caught.value.diagnostics[0].notes == ("in `predict` with i = 3, j = 2",)


def test_runs_are_alone() -> None:
    text = "seen = []\n\ndef predict(sentence, tokens):\n    mine = list(seen)\n    mine.append(1)\n    return [[len(mine)] * len(tokens)] * len(tokens)\n"
    (check,) = check_module(read_module(text)).values()
    program = compile_bounded(check)
    assert program.run(table()).max() == program.run(table()).max() == 1


def test_numpy_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    ours(source_of("m[0, 0] = np.log(0.0) + np.mean(np.array([]))"))
    assert not recwarn.list
