"""What a name stands for: locals hide the file's names and Python's, and the file's statements bind names in turn.

Every program that is lifted means what Python computes; the last of each case says whether it must be lifted. Where
Python fails, as at a name that is not bound yet, nothing may be lifted.
"""

import numpy as np
import pytest
from lift_support import expected, table

from attndsl.dsl.interpreter import interpret
from attndsl.dsl.pyimport import import_python
from attndsl.dsl.source import SourceFile

PROGRAM = """
def program(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
{body}
    return "program", A
"""
TEXT = ["the", "cat", ",", "the"]

# file | body | lifts
CASES = [
    ("", "A[0, 0] = abs(-3); abs = 2", False),
    ("", "A[0, 0] = float(2)\ndef float(x):\n    return 3", False),
    ("", "for i in range(n):\n    A[i, max(0, i - 1)] = 1\n    max = 5", False),
    ("", "if n > 1000:\n    sum = 3\nA[0, 0] = sum([1, 2])", False),
    ("", "A[0, 0] = sum([1, 2]) + [sum for sum in [2]][0]", True),
    ("", "def f(x):\n    y = abs(x)\n    abs = 3\n    return y\nA[0, 0] = f(-2)", False),
    ("", "def f():\n    return abs(-2)\nA[0, 0] = f()\nabs = 3", False),
    ("", "f = lambda x: abs(x)\nA[0, 0] = f(-2)\nabs = 3", False),
    ("", "def f(abs):\n    return abs + 1\nA[0, 0] = f(2) + abs(-4)", True),
    ("", "for abs in range(3):\n    pass\nA[0, 0] = abs", True),
    ("", "try:\n    A[0, 0] = abs(-3)\nexcept ValueError as abs:\n    pass", False),
    ("def size():\n    return 2", "A[0, 0] = size()\nsize = 3", False),
    ("def range(a, b):\n    return [0]", "j = 0\nwhile j < n:\n    A[0, j] = 1\n    j += 1", False),
    ("K = 2", "A[0, 0] = K\nK = 3", False),
    ("K = 2", "K = 3\nA[0, 0] = K", True),
    ('WORDS = ["a", "b"]\nK = len(WORDS)', "WORDS = [1, 2, 3]\nA[0, 0] = K + len(WORDS)", True),
    ('WORDS = ["a", "b"]\nK = len(WORDS)\ndef f(WORDS):\n    return K', "A[0, 0] = f([1, 2, 3])", True),
    ("i = 4\nK = i + 1", "for i in range(n):\n    A[i, 0] = K + i", True),
    ("k = 5\nF = [lambda x: x + k for k in (1, 2)]", "A[0, 0] = F[0](1)", False),
    ("K = 1\nL = K + 1\nK = 5", "A[0, 0] = 10 * K + L", True),
    ("K = 1\nL = K + 1\nK = 5\nM = K + L\nK = 7", "A[0, 0] = 100 * K + 10 * L + M", True),
    ("L = K + 1\nK = 5", "A[0, 0] = 10 * K + L", False),
    ("K = 1\nK = K + 1\nK = 3 * K", "A[0, 0] = K", True),
    ('STOPS = {"a"}\nSTOPS |= {"the"}', "A[0, 0] = len(STOPS)\nA[0, 1] = tokens[0] in STOPS", True),
    ('STOPS = ["a"]\nSTOPS += ["the"]\nSTOPS += ["a"]', "A[0, 0] = len(STOPS)", True),
    ('STOPS = ["a"]\nSTOPS += ("the",)', "A[0, 0] = len(STOPS)", False),
    ('MORE = STOPS = ["a"]\nSTOPS += ["the"]', "A[0, 0] = len(MORE)", False),
    ('STOPS = ["a"]\nMORE = STOPS\nSTOPS += ["the"]', "A[0, 0] = len(MORE)", False),
    ('STOPS = ["a"]\nMORE = STOPS\nLAST = MORE\nMORE += ["the"]', "A[0, 0] = len(LAST) + len(STOPS)", False),
    ("K = 2\nK += 3\nK *= 2", "A[0, 0] = K", True),
    ("K += 3", "A[0, 0] = K", False),
    ("K = 1\nK += L\nL = 2", "A[0, 0] = K", False),
    ("K, L = [M, 2]\nK += 3\nM = 2", "A[0, 0] = K", False),
    ("K, L = 1, 2", "A[0, 0] = K + 10 * L", True),
    ("K, (L, M) = 1, (2, 3)\n[P, Q] = K, M", "A[0, 0] = K + 10 * L + 100 * P + 1000 * Q", True),
    ("K, L = 1, 2\nK, L = L, K", "A[0, 0] = K + 10 * L", True),
    ('STOPS = ["a"]\nMORE = STOPS\nSTOPS += ["b"]\nMORE += ["c"]', "A[0, 0] = len(STOPS)", False),
    ("K, *L = 1, 2", "A[0, 0] = K", False),
    ("K, *L = 1, 2", "A[0, 0] = len(L)", False),
    ("K, L = *[1], 2", "A[0, 0] = K", False),
    ("K, L = *[1], 2", "A[0, 0] = L", True),
    ("K, L = *[1], 2, 3", "A[0, 0] = L", False),
    ("K, *L = 1, 2, 3", "A[0, 0] = K + len(L)", False),
    ("K, L = [1, 2]\nM = (5, 6)\nP, Q = M", "A[0, 0] = K + 10 * L", True),
    ("M = (5, 6)\nP, Q = M", "A[0, 0] = P + 10 * Q", False),
    ("K = L = 3\nM: int = 4\nN: int", "A[0, 0] = K + 10 * L + 100 * M", True),
    ("K = 1\ndef f():\n    return K\nL = f()\nK = 2", "A[0, 0] = L + 10 * f()", False),
    ("K = 1\ndef f():\n    return K\nL = f()", "A[0, 0] = L + 10 * f()", True),
    ("def f():\n    return K\nL = f()\nK = 2", "A[0, 0] = L", False),
    ("def f():\n    return g() + 1\ndef g():\n    return 2\nL = f()", "A[0, 0] = L", True),
    ("def f():\n    return g() + 1\nL = f()\ndef g():\n    return 2", "A[0, 0] = L", False),
    ("def f():\n    return 1\nf = 3", "A[0, 0] = f", False),
    ("f = 3\ndef f():\n    return 1", "A[0, 0] = f()", False),
    ("K = np.sqrt(4)\nimport numpy as np", "A[0, 0] = K", True),
    ("import numpy as np\nimport numpy as np\nK = np.sqrt(4)", "A[0, 0] = K", True),
    ("from math import sqrt as f\nfrom math import floor as f", "A[0, 0] = f(2.5)", True),
    ("from math import sqrt as f\nK = f(4)\nfrom math import floor as f", "A[0, 0] = f(2.5) + K", False),
    ("K = 2\nL = [K for _ in range(3)]\nK = 3", "A[0, 0] = len(L) + L[0]", False),
    ("L = [w for w in range(3)]", "A[0, 0] = len(L)", True),
    ("f = lambda t: t * 3", "A[0, 0] = f(2)", True),
    ("f = lambda t, *, s=2: t * s", "A[0, 0] = f(2) + f(2, s=4)", True),
    ("FS = [lambda t: t * k for k in (1, 2)]", "A[0, 0] = FS[0](2)", False),
    ("FS = [lambda t, k=k: t * k for k in (1, 2)]", "A[0, 0] = FS[0](2)", True),
    ("FS = [lambda t, s=[]: s.append(t) for k in (1, 2)]", "FS[0](1)\nA[0, 0] = FS[0](2)", False),
    ("FS = [lambda t: t * 3 for k in (1, 2)]", "k = 7\nA[0, 0] = FS[0](2) + k", True),
    ("k = 9\nFS = [lambda t: t * k for k in (1, 2)]", "A[0, 0] = FS[0](2)", False),
    ("K = 7\ndef f(x):\n    return x * K", "A[0, 0] = sum(f(1) for K in range(4))", True),
    ("K = 7", "def f(x):\n    return x * K\nA[0, 0] = sum(f(1) for K in range(4))", True),
    ("K = 7", "def f(x):\n    y = K\n    K = x\n    return y\nA[0, 0] = f(1)", False),
    ('D = {"a": lambda t: t * 2, "b": lambda t: t + 1}', "A[0, 0] = D['a'](3)", True),
    ("f = lambda t: lambda s: t * s", "A[0, 0] = f(2)(3)", False),
    ("K = 3\nf = lambda t: K * t", "K = 7\nA[0, 0] = f(2) + K", True),
    ('STOPS = {"the", ","}\ndef f(t, s=STOPS):\n    return t in s', "A[0, 0] = f(tokens[0])", True),
    ("import string\ndef f(t, s=string.punctuation):\n    return t in s", "A[0, 0] = f(tokens[2])", True),
    ("def f(t, s=1 / 3):\n    return t * s", "A[0, 0] = f(2)", True),
    ("K = 2\ndef f(t, s=K):\n    return t * s\nK = 5", "A[0, 0] = f(2) + K", True),
    (
        "K = 2\ndef f(t, s=K):\n    return t * s\nK = 5\ndef f(t, s=K):\n    return t * s\nK = 9",
        "A[0, 0] = f(2) + K", True,
    ),
    (
        "K = 2\ndef f(t, s=K):\n    return t * s\nK = 5\ndef f(t, s=LATER):\n    return t * s\nLATER = 9",
        "A[0, 0] = f(2) + K", False,
    ),
    ("def f(t, s=K):\n    return t * s\nK = 5", "A[0, 0] = f(2)", False),
    ('STOPS = ["the"]\ndef f(t, s=STOPS):\n    return len(s)\nSTOPS += ["a"]', "A[0, 0] = f(2)", False),
    (
        'STOPS = ["the"]\ndef f(t, s=STOPS):\n    return len(s)\nSTOPS = STOPS + ["a"]',
        "A[0, 0] = f(2) + 10 * len(STOPS)", True,
    ),
    ("def f(t, s=[]):\n    s.append(t)\n    return len(s)", "A[0, 0] = f(2)", False),
    ("def f(t, s=([], 1)):\n    s[0].append(t)\n    return len(s[0])", "A[0, 0] = f(2)", False),
    ("def f(t, s=[]):\n    return len(s) + t", "A[0, 0] = f(2)", True),
    ("def f(t, s={}):\n    s[t] = 1\n    return len(s)", "A[0, 0] = f(2)", False),
    ("def f(t, s=[]):\n    return s", "x = f(1)\nx.append(3)\nA[0, 0] = len(x)", False),
    ("def g(x):\n    return x + 1\ndef f(t, s=g(2)):\n    return s * t", "A[0, 0] = f(2)", True),
    ("def f(t, s=g(2)):\n    return s * t\ndef g(x):\n    return x + 1", "A[0, 0] = f(2)", False),
    ('PAIR = (["a"], ["b"])\ndef f(t):\n    PAIR[0].append(t)\n    return len(PAIR[0])', "A[0, 0] = f(2)", False),
    ("f = lambda t, s=3: t * s", "A[0, 0] = f(2)", True),
    ("K = 3\nf = lambda t, s=K: t * s\nK = 4", "A[0, 0] = f(2)", False),
    ('def f(t, s=[w for w in ("a", "b")], *, k=len("abc")):\n    return t * len(s) + k', "A[0, 0] = f(2)", True),
    ("f = lambda t, s=[]: s.append(t)", "f(1)\nA[0, 0] = 2", False),
    ("K = 3\ndef f(t, K=K):\n    return t * K", "A[0, 0] = f(2)", True),
    ("SEEN = []\ndef note(t, s=SEEN):\n    s.append(t)\n    return len(s)", "A[0, 0] = note(2)", False),
    (
        "SEEN = []\ndef count(t, s=SEEN):\n    return len(s)\ndef note(t):\n    global SEEN\n    SEEN = [1]",
        "note(1)\nA[0, 0] = count(2)", False,
    ),
    (
        "SEEN = []\ndef count(t, s=SEEN):\n    return len(s)\ndef note(t):\n    SEEN.append(t)",
        "note(1)\nA[0, 0] = count(2)", False,
    ),
    ("def f(x):\n    x.append(1)\n    return x\nK = [1]\nL = f(K)", "A[0, 0] = len(K)", False),
    ("def f(x):\n    for y in x:\n        y += [1]\n    return x\nK = [[1]]\nL = f(K)", "A[0, 0] = len(K[0])", False),
    ("def f(x):\n    x[0] = 5\n    return x\nK = [1]\nL = f(K)", "A[0, 0] = K[0]", False),
    ("def g(x):\n    x.clear()\ndef f(x):\n    g(x)\n    return 1\nK = [1]\nL = f(K)", "A[0, 0] = len(K)", False),
    ("def f(x):\n    y = []\n    y.append(x[0])\n    return y\nK = [1]\nL = f(K)", "A[0, 0] = len(K + L)", True),
    ("def f(x):\n    y = x\n    y.append(2)\n    return 1\nK = [1]\nL = f(K)", "A[0, 0] = len(K)", False),
    ("def f(x):\n    x = []\n    x.append(2)\n    return 1\nK = [1]\nL = f(K)", "A[0, 0] = len(K)", False),
    ("def f(x):\n    c = len(x)\n    c += 1\n    return c\nK = [1]\nL = f(K)", "A[0, 0] = len(K) + L", True),
    ("def f(x):\n    return len(x)\nK = [1]\nL = f(K)", "A[0, 0] = len(K) + L", True),
    ("D = {}\ndef count(t, s=D):\n    return len(s)\ndef note(t):\n    D[t] = 1", "note(1)\nA[0, 0] = count(2)", False),
    ("from math import sqrt as f\nfrom math import floor as f\nK = f(2.5)", "A[0, 0] = K", False),
    ("K, L = 1, 2\nK += 3", "A[0, 0] = K + 10 * L", True),
    ('STOPS = ["a"]\nMORE = STOPS\nSTOPS += ["the"]', "A[0, 0] = len(STOPS)", False),
    (
        "def same(x):\n    return x\ndef f(x):\n    y = same(x)\n    y.append(2)\n    return 1\nK = [1]\nL = f(K)",
        "A[0, 0] = len(K)", False,
    ),
    ("K = 1\ndef f(x, k=K):\n    return k\nK = 2", "A[0, 0] = f(1)", True),
    ("K = 1\ndef f(x, k=[K for _ in range(1)]):\n    return k[0]\nK = 2", "A[0, 0] = f(1)", False),
    ("K = 1\ndef f(x, k=lambda: K):\n    return k()\nK = 2", "A[0, 0] = f(1)", False),
    ("def g():\n    return K\nK = 1\ndef f(x, k=g()):\n    return k\nK = 2", "A[0, 0] = f(1)", False),
    ("def g(x):\n    return x\ndef f(x, k=g([1])):\n    return len(k)", "A[0, 0] = f(1)", True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} | {case[1]}".replace("\n", "; "))
def test_names_mean_what_python_means(case):
    file, body, lifts = case
    text = "import numpy as np\n" + file + PROGRAM.format(body="    " + body.replace("\n", "\n    "))
    (found,) = import_python(SourceFile("names", text), []).programs
    assert (found.typed is not None) == lifts, [d.headline for d in found.diagnostics]
    assert not any("bug of attndsl" in d.headline for d in found.diagnostics)
    if found.typed is None:
        return
    np.testing.assert_allclose(interpret(found.typed, table(TEXT)), expected(text, TEXT))
