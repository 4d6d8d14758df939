"""Dicts that gather, and elements that are taken away: against Python itself."""

from __future__ import annotations

import pytest
from lift_support import reason, same_or_fails

BODIES = {
    "union of sets": """
        a = {"the", "a"}.union({"."})
        for i in range(n):
            for j in range(i):
                if tokens[j] in a: A[i, j] = 1
    """,
    "positions but one": """
        p = set(range(n)).difference({0})
        for i in range(n):
            for j in p:
                A[i, j] = 1
    """,
    "a position discarded": """
        for i in range(n):
            c = set(range(i))
            c.discard(0)
            for j in c: A[i, j] = 1 / len(c)
    """,
    "the last popped": """
        for i in range(n):
            c = [j for j in range(i) if tokens[j] == "the"]
            if c:
                x = c.pop()
                A[i, x] = 1
    """,
    "the first popped": """
        for i in range(n):
            c = [j for j in range(i) if tokens[j] == "the"]
            if c:
                x = c.pop(0)
                A[i, x] = 1
                for y in c: A[i, y] = .5
    """,
    "a list begun or gone on with": """
        d = {}
        for i, t in enumerate(tokens):
            if t in d:
                d[t].append(i)
            else:
                d[t] = [i]
        for i in range(n):
            for j in d.get(tokens[i], []):
                if j < i: A[i, j] = 1 / len(d[tokens[i]])
    """,
    "lists read while they are filled": """
        d = {}
        for i, t in enumerate(tokens):
            if t in d:
                for j in d[t]: A[i, j] = 0.5
                A[i, d[t][-1]] = 1
            d.setdefault(t, []).append(i)
    """,
    "a count so far": """
        c = {}
        for i, t in enumerate(tokens):
            c[t] = c.get(t, 0) + 1
            A[i, 0] = 1 / c[t]
    """,
    "the first place of each token": """
        first = {}
        for i, t in enumerate(tokens):
            if t not in first: first[t] = i
        for i in range(n): A[i, first[tokens[i]]] = 1
    """,
    "a walk through lists by key": """
        d = {}
        for i, t in enumerate(tokens):
            d.setdefault(t.lower(), []).append(i)
        for w, p in d.items():
            if len(p) > 1:
                for a in p:
                    for b in p:
                        if b < a: A[a, b] += 1 / len(p)
    """,
    "a walk through last places": """
        d = {}
        for i, t in enumerate(tokens):
            d[t] = i
        for w, p in d.items():
            A[p, 0] = len(w)
    """,
    "how many different tokens": """
        c = {}
        for t in tokens: c[t] = c.get(t, 0) + 1
        A[0, 0] = len(c)
    """,
    "seen before or new": """
        c = {}
        for i, t in enumerate(tokens):
            if t not in c:
                c[t] = i
                A[i, i] = 2
            else:
                A[i, c[t]] = 1
    """,
    "a list begun in one branch and gone on with after both": """
        d = {}
        for i, t in enumerate(tokens):
            if t in d:
                for p in d[t][-2:]: A[i, p] = 0.1
            else:
                d[t] = []
            d[t].append(i)
    """,
    "a count begun or gone on with": """
        d = {}
        for i, t in enumerate(tokens):
            if t in d: d[t] += 1
            else: d[t] = 1
            A[i, 0] = d[t]
    """,
    "a sum that starts at nought": """
        d = {}
        for t in tokens:
            if t not in d: d[t] = 0
            d[t] += len(t)
        for i in range(n): A[i, 0] = d[tokens[i]] + d.get("zz", 3)
    """,
    "a key that is missing": """
        d = {}
        for i, t in enumerate(tokens):
            if t != ",": d.setdefault(t, []).append(i)
        for i in range(n):
            for j in d[tokens[i]]: A[i, j] = 1
    """,
    "the ends of a list": """
        d = {}
        for i, t in enumerate(tokens):
            d.setdefault(t, []).append(i)
        for i in range(n):
            p = [x for x in d.get(tokens[i], []) if x < i]
            if p:
                A[i, p[-1]] = 1
                A[i, p[0]] += 1
    """,
    "removed if it is there": """
        for i in range(n):
            c = [j for j in range(i + 1) if tokens[j] != ","]
            if i in c: c.remove(i)
            for k, j in enumerate(c): A[i, j] = 1 / (k + 1)
    """,
    "removed though it may not be there": """
        c = [j for j in range(n) if tokens[j] == "the"]
        c.remove(2)
        for j in c: A[0, j] = 1
    """,
    "popped at both ends": """
        for i in range(n):
            c = [j for j in range(i) if tokens[j] == "the"]
            if len(c) > 2:
                a = c.pop()
                b = c.pop(0)
                A[i, a] = len(c)
                A[i, b] = 2
                for j in c: A[i, j] = 0.5
    """,
    "popped off what may be empty": """
        c = [j for j in range(n) if tokens[j] == "the"]
        x = c.pop()
        A[0, x] = 1
    """,
    "positions in both": """
        a = {j for j in range(n) if tokens[j] == "the"}
        for i in range(n):
            for j in a.intersection(range(i)): A[i, j] = 1
    """,
    "a text discarded": """
        s = {"the", "a", ","}
        s.discard("a")
        for i in range(n):
            if tokens[i] in s: A[i, 0] = 1
    """,
    "removed under another name": """
        c = list(range(n))
        d = c
        c.remove(0)
        for j in d: A[0, j] = 1
    """,
    "a whole number added to a list of floats that is asked": """
        M = [[0.5] * n for _ in range(n)]
        for i in range(n):
            for j in range(i + 1):
                A[i, j] = M[i][j] / 3
                M[i][j] += 1
                A[i, j] += M[i][j] // 2
    """,
    "removed in one branch": """
        for i in range(n):
            c = list(range(n))
            if tokens[i] == "the":
                c.remove(i)
            for j in c: A[i, j] = 1
    """,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_each_gives_what_python_gives(body: str) -> None:
    same_or_fails(body)


NEAR_MISSES = {
    "a list of a dict under another name": ("E0311", """
        d = {}
        for i, t in enumerate(tokens):
            d.setdefault(t, []).append(i)
        x = d["the"] if "the" in d else []
        x.append(0)
        for j in x:
            A[0, j] = 1
    """),
    "one of two equal elements": ("E0311", """
        c = [0, 0, 1]
        c.remove(0)
        for j in c:
            if j < n:
                A[0, j] += 1
    """),
    "the characters of one text without those of another": ("E0305", """
        for i in range(n):
            for j in range(i + 1):
                A[i, j] = len(set(tokens[i]).difference(set(tokens[j])))
    """),
    "the characters of three texts": ("E0305", """
        for i in range(n):
            for j in range(i + 1):
                A[i, j] = len(set(tokens[i]).union(set(tokens[j]), set(tokens[0])))
    """),
    "pieces of ids without an order": ("E0306", """
        ids = tokenizer(sentence, return_tensors="pt").input_ids[0]
        for j, t in enumerate(tokenizer.convert_ids_to_tokens(set(ids.tolist()))):
            A[0, j] = len(t)
    """),
    "popped once in every iteration": ("E0311", """
        c = list(range(n))
        for i in range(n):
            A[i, c.pop()] = 1
    """),
}  # fmt: skip


@pytest.mark.parametrize(("code", "body"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_are_not_lifted(code: str, body: str) -> None:
    assert reason(body) == code
