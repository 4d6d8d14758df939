"""Programs made to end, fill or take over the process that runs them: the bounded tier answers each with a diagnostic.

They run in child processes, one after the other: what ends one shows as the attack that has no answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import attacks_natural
import pytest

FINE = attacks_natural.FINE
"""What runs to its end, without harm."""
DEEP = "for _ in range(200_000):\n    "
ATTACKS = {
    # Python's own hash, iterators, slices and errors take the C stack for each level
    "t = ()\n" + DEEP + "t = (t,)\nd = {t: 1}": "E0461",
    "t = ()\n" + DEEP + "t = (1, t)\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = tuple([t])\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = (*[t],)\nd = {t}": "E0461",
    "def f(*a):\n    return a\nt = ()\n" + DEEP + "t = f(t)\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = next(zip([t]))\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = next(zip(iter([t])))\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = next(enumerate([t]))\nd = {t}": "E0461",
    "t = 1\n" + DEEP + "t = list({1: t}.items())[0]\nd = {t}": "E0461",
    "t = 1\n" + DEEP + "t = {1: t}.popitem()\nd = {t}": "E0461",
    "t = 1\n" + DEEP + "t = Counter([t]).most_common(1)[0]\nd = {t}": "E0461",
    "t = 1\n" + DEEP + "t = ValueError(t).args\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = itemgetter(0, 0)([t])\nd = {t}": "E0461",
    "t = ()\n" + DEEP + "t = next(itertools.product([t]))\nd = {t}": "E0461",
    "t = (1,)\nfor k in range(60 + n):\n    t = (t, t)\nd = {t}": "E0461",
    "it = iter([1])\n" + DEEP + "it = zip(it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = enumerate(it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = map(abs, it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = filter(None, it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = itertools.chain(it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = (x for x in it)\nnext(it)": "E0458",
    "it = iter([1])\n" + DEEP + "it = enumerate(it)": FINE,
    "it = iter([1])\n" + DEEP + "it = filter(None, it)": FINE,
    "s = slice(None)\n" + DEEP + "s = slice(s)": "E0452",
    "q = deque()\nfor _ in range(90_000):\n    q = deque([q])": FINE,
    "q = 1\n" + DEEP + "q = defaultdict(int, {0: q})": FINE,
    "q = defaultdict(list)\n" + DEEP + "it = q\n    q = defaultdict(list)\n    q[0] = it": FINE,
    "K = type([])\nt = int\n" + DEEP + "t = K[t]": "E0466",
    "OrderedDict(zip(range(10**12), range(10**12)))": "E0460",
    "def f(x, k):\n    return [str(x) for _ in range(k)]\n"
    "assert [len(f(v, 1)[0]) for v in (0.0, -0.0)] == [3, 4]": FINE,
    "e = OSError(2, 's')\n" + DEEP + "e = OSError(2, 's', e)": "E0466",
    "e = NameError('x')\n" + DEEP + "e = NameError('x', name=e)": "E0466",
    "x, y = [], []\n" + DEEP + "x, y = [x], [y]\nm[0, 0] = x == y": "E0458",
    "x = []\n" + DEEP + "x = [x]\nraise ValueError(x)": "E0453",
    "x = []\nx.append(x)\nm[0, 0] = len(str(x))": "E0466",
    # what is shared is gone through each time
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nm[0, 0] = x == y": "E0460",
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nm[0, 0] = x < y": "E0460",
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nm[0, 0] = y in [x]": "E0460",
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nm[0, 0] = [x].index(y)": "E0460",
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nmax(x, y)": "E0460",
    "x, y = [1], [1]\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nsorted([x, y])": "E0460",
    "x, y = {1: 1}, {1: 1}\nfor _ in range(60):\n    x, y = {1: x, 2: x}, {1: y, 2: y}\nm[0, 0] = x == y": "E0460",
    "x = [1]\nfor _ in range(30):\n    x = [x, x]\nnp.array(x)": "E0460",
    "x = [[[0] * 3_000] * 3_000] * 3_000\ncopy.copy(x)": "E0460",
    "def f(x):\n    return len(x)\nx = [1]\nfor _ in range(60):\n    x = [x, x]\nm[0, 0] = f(x)": FINE,
    # one call that takes for ever
    "re.search('(?:x|x)' * 32 + 'y', 'x' * 40)": "E0460",
    "re.search('x{0,64}' * 8 + 'y', 'x' * 64)": "E0460",
    "re.search('x?' * 40 + 'x' * 40, 'x' * 40)": "E0460",
    "re.search('(?:x|xx)*y', 'x' * 64)": "E0466",
    "round(1, -10**9)": "E0464",
    "math.fsum(range(10**13))": "E0460",
    "math.prod(range(1, 10**7))": "E0464",
    "-1 in map(abs, range(10**13))": "E0460",
    "(-1,) in zip(range(10**13))": "E0460",
    "np.linalg.norm(np.ones((1300, 1300)), 2)": "E0460",
    "sum([[0] * 100] * 40_000, [])": "E0461",
    "0.5 in range(10**12) == 1": "E0460",
    "next(filter(None, map(callable, range(10**13))))": "E0460",
    "b = (1 << 19_999) + 1\nfor _ in range(1_000):\n    pow(b, b - 1, b + 2)": "E0460",
    "math.prod([1 << 19_999] * 300_000)": "E0464",
    "a = [0] * 1_000_000\nb = a[:]\nfor _ in range(100_000):\n    a < b": "E0460",
    "t = ('a', 'b')\nfor _ in range(22):\n    t = (t, t)\n[].index(t)": "E0461",
    "a = 'ab' * 6_000\nSequenceMatcher(None, a, a[::-1], False).ratio()": "E0460",
    "re.compile('[a-c]' * 1_000)": "E0466",
    # what is large is not made
    "np.where(np.ones((1, 1), bool), np.ones((30_000, 1)), np.ones((1, 30_000)))": "E0461",
    "np.ones((30_000, 1)) + list(range(30_000))": "E0461",
    "np.ones((60_000, 1)) == np.ones((1, 60_000))": "E0461",
    "np.ones((1, 1_000_000))[[0] * 1_000]": "E0461",
    "at = np.zeros(1_000, int)\nnp.ones((1, 1_000_000))[at]": "E0461",
    "np.ones((1, 1_000_000)).take([0] * 1_000, 0)": "E0461",
    "np.ones((30_000, 1)) @ np.ones((1, 30_000))": "E0461",
    "operator.sub(np.ones((30_000, 1)), np.ones((1, 30_000)))": "E0461",
    "m[0, 0] = operator.sub(5, 2) + operator.add(1, 2) * operator.mul(2, 3)": FINE,
    "np.inner(np.ones((30_000, 1)), np.ones((30_000, 1)))": "E0461",
    "np.take(np.ones((1, 1_000_000)), [0] * 1_000, 0)": "E0461",
    "np.percentile(np.zeros((10, 10_000)), [50] * 100_000, axis=0)": "E0461",
    "np.zeros_like(np.zeros(1), shape=(30_000, 30_000))": "E0461",
    "m[0, 0] = np.take(np.arange(4), [1, 2]).sum() + np.percentile([1, 2, 3], [50, 75]).sum()": FINE,
    "m[0, 0] = np.inner([1, 2], [3, 4])": FINE,
    "np.outer(a=np.ones(30_000), b=np.ones(30_000))": "E0461",
    "np.concatenate([np.ones(1_000_000)] * 1_000)": "E0461",
    "np.array([np.ones(1_000_000)] * 1_000)": "E0461",
    "np.float64([np.ones(1_000_000)] * 1_000)": "E0461",
    "np.tile(A=np.ones(1_000), reps=1_000_000)": "E0466",
    "np.repeat(np.ones(3), axis=0, repeats=3 * 10**8)": "E0461",
    "np.ones(range(30_000, 30_002))": "E0461",
    "np.arange(np.array(10**9))": "E0466",
    "np.tri(2, 10**9 // 2)": "E0461",
    "np.tril_indices(10, 0, 10**9)": "E0461",
    "np.linspace(np.zeros(1_000_000), 1, 1_000)": "E0461",
    "np.full(1, 1, dtype='V2000000000')": "E0461",
    "np.array(['a']).astype('S1')[0] * 3_000_000_000": "E0461",
    "np.prod([2**19_000] * 1_000_000)": "E0465",
    "np.sum([range(3 * 10**8)])": "E0461",
    "deque([1]) * 10**9": "E0461",
    "x = deque()\nx += range(10**11)": "E0460",
    "deque().extendleft(range(10**11))": "E0460",
    "x = {}\nx |= zip(range(10**11), range(10**11))": "E0460",
    "{}.keys() | range(10**11)": "E0460",
    "s = 'ab' * 40_000\nL = [s[1:] for _ in range(100_000)]": "E0461",
    "s = 'ab' * 40_000\nL = [s.lower() for _ in range(100_000)]": "E0461",
    "t = (0,) * 100_000\nw = slice(1, None)\nL = [t[w] for _ in range(100_000)]": "E0461",
    "return [['a' * 90_000] * 2_000] * 2_000": "E0461",
    # what is not a program's to call
    "G = type(itemgetter(0))\nG(print)('hi')": "E0466",
    "type(lambda: 1)": "E0466",
    "np.pad(np.zeros(3), 1, print)": "E0466",
    "np.pad(np.zeros(3), 1, mode=lambda *a: 1)": "E0466",
    "re.sub('a', repl=lambda found: 'x' * 90_000, string='a' * 9)": "E0462",
    # one number or text of numpy's
    "np.array(['ab'])[0].center(2 * 10**9)": "E0462",
    "np.float64(1).repeat(7 * 10**8)": "E0466",
    "np.float64(1).astype('U700000000')": "E0461",
    # an error that cannot be shown
    "for i in [3 * 10**5000, n]:\n    x = 1 / 0": "E0454",
    "raise ValueError(['x' * 90_000] * 100_000)": "E0453",
    **attacks_natural.ATTACKS,
}
CHILD = """
import json, resource, sys
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.loops import Limits, compile_bounded

no, words = (False, False), ("a", "b")
table = TokenTable("a b", (0, 1), words, (0, 2), (1, 3), words, no, (True, True), (0, 0), no)
limits = Limits(steps=1_500_000, cells=8_000_000, characters=100_000)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2)
for text in json.load(sys.stdin):
    print("attack", flush=True)
    found = "no error"
    try:
        (check,) = check_module(read_module(text)).values()
        compile_bounded(check, limits=limits).run(table)
    except DiagnosticError as error:
        found = error.diagnostics[0].code
    print(found, flush=True)
"""
HEAD = (
    "import bisect\nimport copy\nimport functools\nimport heapq\nimport itertools\nimport math\nimport operator\n"
    "import re\nimport statistics\nimport unicodedata\n"
    "from collections import Counter, OrderedDict, defaultdict, deque\n"
    "from difflib import SequenceMatcher\nfrom operator import itemgetter\nimport numpy as np\n\n"
    "def predict(sentence, tokens):\n    n = len(tokens)\n    m = np.zeros((n, n))\n"
)


PARTS = 8
"""Children that the attacks are dealt out to, so that they run side by side."""


def answers(bodies: list[str]) -> list[str]:
    """What each attack was answered; of the one that ends the child, and of those behind it, how it ended."""
    texts = [HEAD + textwrap.indent(body, "    ") + "\n    return m\n" for body in bodies]
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=json.dumps(texts), capture_output=True, text=True, check=False, timeout=300
    )
    answered = [text.strip() for text in done.stdout.split("attack\n")[1:]]
    return [*answered, *[f"ended with {done.returncode}: {done.stderr[-300:]}"] * (len(bodies) - len(answered))]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_attack_is_answered(part: int) -> None:
    wanted = dict([*ATTACKS.items()][part::PARTS])
    assert dict(zip(wanted, answers([*wanted]), strict=True)) == wanted
