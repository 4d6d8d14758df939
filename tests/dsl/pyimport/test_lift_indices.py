"""Lists and masks as indices, arrays made of lists: against Python itself."""

from __future__ import annotations

import pytest
from lift_support import reason, same_or_fails

BODIES = {
    "a list of positions as index": """
        for i in range(n):
            c = [j for j in range(i) if tokens[j] == "the"]
            if c: A[i, c] = 1 / len(c)
            A[i, c] += 0.25
            A[i][c] *= 2
    """,
    "a mask as index": """
        m = np.array([t == "the" for t in tokens])
        for i in range(n):
            A[i, m] = 0.5
            A[i, :i][m[:i]] += 0.2
    """,
    "the diagonal": """
        A[np.arange(n), np.arange(n)] = 0.5
    """,
    "pairs of positions": """
        idx = np.arange(n)
        A[idx, idx] = 0.5
        A[idx[1:], idx[:-1]] = 0.25
    """,
    "positions written out": """
        for i in range(n):
            A[i, [0, i]] = 0.5
    """,
    "positions that may be outside": """
        for i in range(n):
            A[i, [0, 3]] = 0.5
    """,
    "where a row is zero": """
        for i in range(n):
            w = np.zeros(n)
            w[0] = 1
            w[w == 0] = 0.2
            A[i] = w
    """,
    "a mask that is changed": """
        m = np.zeros(n, dtype=bool)
        for j in range(n):
            if tokens[j] == "the": m[j] = True
        for i in range(n):
            k = m[:i + 1].copy()
            k[i] = False
            c = k.sum()
            if c > 0: A[i, :i + 1][k] = 0.4 / c
    """,
    "arrays of truth values and whole numbers": """
        m = np.array([t == "the" for t in tokens])
        k = np.array([len(t) for t in tokens])
        for i in range(n):
            A[i, 0] = (m + k).sum() + k.max() + m.sum()
            A[i] += k * m
            A[i, i] = k[i] // 2 + k[-1]
    """,
    "a vector of distances": """
        d = np.arange(n)
        for i in range(n):
            w = np.exp(-0.2 * np.abs(d - i))
            w[d > i] = 0
            A[i] = w / w.sum()
    """,
    "an array of whole numbers changed in place": """
        k = np.array([len(t) for t in tokens])
        k += 2
        k *= 2
        A[0, 0] = k[0]
    """,
    "an array under two names": """
        k = np.array([len(t) for t in tokens])
        j = k
        k[0] = 9
        A[0, 0] = j[0]
    """,
    "an array of positions": """
        for i in range(n):
            a = np.array([j for j in range(i + 1)])
            A[i, a] = 1 / len(a)
            if a.any(): A[i, 0] = a.mean()
    """,
    "half of what is left": """
        for i in range(n):
            r = 1.0
            for j in range(i, -1, -1):
                g = r * 0.5
                A[i, j] = g
                r -= g
            A[i, 0] += r
    """,
    "what is left until nothing is": """
        for i in range(n):
            budget = 1.0
            for j in range(i - 2, 0, -1):
                if budget <= 0.01:
                    break
                if tokens[j].isalpha():
                    share = budget / 2
                    A[i, j] += share
                    budget -= share
            A[i, i] += budget
    """,
    "a list of what is carried": """
        starts = []
        s = 0
        for i in range(n):
            if tokens[i] != ",":
                if tokens[i] in (".", "and"):
                    s = i
            starts.append(s)
        for i in range(n): A[i, starts[i]] = 1
    """,
    "labels by the first group": """
        g = {"a": {"the", "x"}, "b": {",", "."}, "c": {"cat"}}
        lab = [None] * n
        for i in range(n):
            w = tokens[i].lower()
            for name, words in g.items():
                if w in words:
                    lab[i] = name
                    break
        for i in range(n):
            A[i, 0] = 0.6
            if lab[i] is None:
                continue
            for j in range(i):
                if lab[j] == lab[i]:
                    A[i, j] += 0.2
                elif lab[j] is not None:
                    A[i, j] += 0.05
    """,
    "the nearest of each kind": """
        kinds = ["a" if t.isalpha() else "p" for t in tokens]
        for i in range(n):
            found = set()
            for j in range(i - 1, 0, -1):
                if kinds[j] in ("a", "p") and kinds[j] not in found:
                    A[i, j] += 0.5
                    found.add(kinds[j])
    """,
    "a range from one of several places": """
        cs = 0
        starts = []
        for i in range(n):
            if tokens[i] != ",":
                w = tokens[i]
                if w in (".", "and") or w == "the":
                    cs = i
            starts.append(cs)
        for i in range(n):
            s = starts[i]
            A[i, s] += 0.35
            width = i - s + 1
            for j in range(s, i + 1):
                A[i, j] += 0.25 / width
    """,
    "weights of a list as an array": """
        for i in range(n):
            p = [j for j in range(i) if tokens[j] == "the"]
            if p:
                ws = np.array([1 / (1 + i - j) for j in p])
                ws = ws / ws.sum()
                for k, j in enumerate(p): A[i, j] = ws[k]
    """,
    "weights beside their positions": """
        for i in range(n):
            p = [j for j in range(i) if tokens[j] == "the"]
            if p:
                ws = np.exp(-np.array([i - j for j in p]))
                ws /= ws.sum()
                for j, w in zip(p, ws): A[i, j] = w
    """,
    "the ends and the mean of such an array": """
        for i in range(n):
            p = [j for j in range(i) if tokens[j] == "the"]
            d = np.array([float(i - j) for j in p])
            if len(d) > 0:
                A[i, p[0]] = d.max() + d[0] + d[-1]
                A[i, i] = d.mean()
    """,
    "two lists filled together": """
        for i in range(n):
            p = []
            ws = []
            for j in range(i):
                if tokens[j] == "the":
                    p.append(j)
                    ws.append(0.5 ** (i - j))
            if p:
                ws = np.array(ws)
                ws = ws / np.sum(ws)
                for j, w in zip(p, ws): A[i, j] += 0.4 * w
    """,
    "from where the sentence began": """
        s = 0
        starts = []
        for i in range(n):
            starts.append(s)
            if tokens[i] == ".": s = i + 1
        for i in range(n):
            for j in range(starts[i], i + 1):
                A[i, j] = 1 / (i - starts[i] + 1)
    """,
    "where a while loop ended": """
        for i in range(n):
            j = i
            while j > 0:
                if tokens[j] == ",":
                    break
                A[i, j] = 0.5
                j -= 1
            A[i, j] += 1
    """,
    "two counters": """
        for i in range(n):
            j = i - 1
            k = 0
            while j >= 0 and k < 3:
                A[i, j] = 1 / (k + 1)
                j -= 1
                k += 1
            A[i, i] = k + j
    """,
    "while and else": """
        for i in range(n):
            j = i - 1
            while j >= 0:
                if tokens[j] == "the":
                    A[i, j] = 1
                    break
                j -= 1
            else:
                A[i, 0] = 3
            A[i, i] += 10 + j
    """,
    "until the end of the text": """
        for i in range(n):
            j = i + 1
            c = 0
            while j < n and tokens[j] not in (".", ","):
                c += len(tokens[j])
                j += 1
            A[i, i] = c
            if j < n: A[i, j] = 2
    """,
    "a counter and a limit": """
        for i in range(n):
            j = i - 1
            steps = 0
            while j > 0 and tokens[j] not in (".", ",") and steps < 2:
                A[i, j] += 0.2 / (1 + steps)
                j -= 1
                steps += 1
            if j >= 0: A[i, j] += 0.3
    """,
    "else after a test that fails": """
        for i in range(n):
            j = i
            while j > 0 and tokens[j] == tokens[i]:
                A[i, j] += 0.5
                j -= 1
            else:
                A[i, 0] += 1.0
            A[i, i] += j
    """,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_each_gives_what_python_gives(body: str) -> None:
    same_or_fails(body)


NEAR_MISSES = {
    "a place named twice": ("E0315", """
        A[0, [0, 0]] += 1
    """),
    "whole numbers divided in place": ("E0315", """
        k = np.array([len(t) for t in tokens])
        k /= 2
        A[0, 0] = k[0]
    """),
}  # fmt: skip


@pytest.mark.parametrize(("code", "body"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_are_not_lifted(code: str, body: str) -> None:
    assert reason(body) == code
