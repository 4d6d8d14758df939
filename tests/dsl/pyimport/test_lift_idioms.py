"""Each idiom lifted right (against Python itself), and its near miss refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lift_support import lifted, reason, same

from attndsl.dsl import codes
from attndsl.dsl.pyimport.lift import NotLiftable

IDIOMS = {
    "cells": """
        for i in range(n):
            A[i, i] = 0.3
            if i > 0:
                A[i, i - 1] += 0.2
            for j in range(i):
                w = 0.1 * 0.7 ** (i - j)
                if tokens[j] in [",", "."]:
                    w *= 2.0
                elif len(tokens[j]) > 2 and i % 2 == 0:
                    w += 0.05
                A[i, j] += w
        A = make_row_stochastic(apply_causal_mask(A))
    """,
    "continue": """
        for i in range(n):
            if tokens[i] == ",":
                A[i, 0] = 1.0
                continue
            for j in range(n):
                if i == j:
                    continue
                A[i, j] = 1.0 / (1 + abs(i - j))
    """,
    "negative index": """
        for i in range(n):
            A[i, i - 1] = 0.5
            A[i, -1] += 0.25
    """,
    "break forward": """
        for i in range(n):
            for j in range(i):
                if tokens[j] == "the":
                    A[i, j] = 0.7
                    break
    """,
    "break backward": """
        for i in range(n):
            found = False
            for j in range(i - 1, -1, -1):
                if tokens[j].isalpha():
                    A[i, j] = 0.7
                    found = True
                    break
            if not found:
                A[i, i] = 1.0
    """,
    "work before a break": """
        for i in range(n):
            for j in range(i, n):
                A[i, j] = 0.1
                if tokens[j] == ".":
                    break
    """,
    "while": """
        for i in range(n):
            j = i - 1
            while j >= 0 and not tokens[j].isalpha():
                j -= 1
            if j >= 0:
                A[i, j] = 1.0
    """,
    "list by index": """
        commas = [j for j in range(n) if tokens[j] in [",", "."]]
        for i in range(n):
            earlier = [c for c in commas if c < i]
            if earlier:
                A[i, earlier[-1]] = 0.5
                A[i, earlier[0]] += 0.25
            for r, c in enumerate(reversed(earlier)):
                A[i, c] += 0.1 / (r + 1)
            for c in commas[:2]:
                A[i, c] += 0.01
    """,
    "set": """
        stops = set()
        for j, t in enumerate(tokens):
            if t == "." or t == "!":
                stops.add(j)
        for i in range(n):
            for j in stops:
                if j <= i:
                    A[i, j] += 0.3
            if i in stops:
                A[i, 0] = 0.1 * len(stops)
    """,
    "last place of a word": """
        where = {}
        for j in range(n):
            where[tokens[j]] = j
        for i in range(n):
            A[i, where[tokens[i]]] = 0.9
            A[i, where.get("zzz", 0)] += 0.5
    """,
    "carried position": """
        stop = None
        for i in range(n):
            if stop is not None:
                A[i, stop] = 0.6
            if tokens[i] in (".", ","):
                stop = i
    """,
    "first position once": """
        start = -1
        for j in range(n):
            if start == -1 and tokens[j].islower():
                start = j
        for i in range(n):
            if start >= 0:
                A[i, start] = 1.0
    """,
    "quote parity": """
        inside = False
        for i in range(n):
            if tokens[i] == '"':
                inside = not inside
            if inside:
                A[i, i] = 1.0
    """,
    "best": """
        for i in range(n):
            best, place = 0.0, -1
            for j in range(i):
                score = len(tokens[j]) / (i - j)
                if score > best:
                    best = score
                    place = j
            if place >= 0:
                A[i, place] = best
    """,
    "row vector": """
        for i in range(n):
            w = np.zeros(i + 1)
            w[0] = 0.5
            w[i] += 0.25
            for j in range(i):
                w[j] += 0.1 * (j + 1)
            if w.sum() > 0:
                w = w / w.sum()
            A[i, :i + 1] = w
    """,
    "softmax": """
        for i in range(n):
            s = np.zeros(n)
            for j in range(n):
                s[j] = -abs(i - j) * 0.5
            s = np.exp(s - s.max())
            A[i] = s / s.sum()
    """,
    "mass left": """
        for i in range(n):
            A[i, 0] = 0.4
            left = 1.0 - A[i].sum()
            A[i, i] += left * 0.5
            for j in range(i):
                if A[i, j] == 0:
                    A[i, j] = left * 0.5 / i
    """,
    "max of cell": """
        for i in range(n):
            A[i, 0] = 0.1 * i
            A[i, 0] = max(A[i, 0], 0.25)
    """,
    "scatter": """
        for i in range(n):
            if tokens[i] == ",":
                for j in range(n):
                    A[j, i] += 0.5
            A[i, i] += 1.0
    """,
    "one token": """
        if n == 1:
            return "program", np.array([[1.0]])
        for i in range(n):
            A[i, 0] = i / (n - 1)
    """,
    "helper": """
        def mark(t, marks=(".", ",")):
            for m in marks:
                if t == m:
                    return True
            return False
        for i in range(n):
            for j in range(i + 1):
                if mark(tokens[j]):
                    A[i, j] = 1.0
    """,
    "characters": """
        for i in range(n):
            if any(c in tokens[i] for c in ".,!") and tokens[i][0] != "!":
                A[i, 0] = 1.0
            if tokens[i].strip() in ".,":
                A[i, i] = 1.0
    """,
}


@pytest.mark.parametrize("name", sorted(IDIOMS))
def test_an_idiom_keeps_its_meaning(name: str) -> None:
    same(IDIOMS[name])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("for i in range(n):\n    for j in range(n):\n        if A[i].sum() < 1:\n            A[i, j] += 0.3", "E0320"),
        ("for i in range(n):\n    A[i, 0] = A[i - 1, 0] + 1", "E0320"),
        ("for i in range(n):\n    for j in range(n):\n        A[j, 0] = i", "E0321"),
        (
            "for i in range(n):\n    left = 1.0\n    for j in range(i):\n"
            "        A[i, j] = left * 0.5\n        left -= A[i, j]",
            "E0320",
        ),
        ("xs = [x for x in set([len(t) for t in tokens])]\nA[0, 0] = xs[0]", "E0313"),
        ("x = 0.0\nfor i in range(n):\n    x = (x + 1) * x\n    A[i, 0] = x", "E0317"),
    ],
)
def test_a_near_miss_is_refused(body: str, code: str) -> None:
    if code == "E0321":
        same(body)  # the last writer wins: this one has a meaning
        return
    assert reason(body) == code


def test_what_comes_out_reads_like_rules() -> None:
    text = same(IDIOMS["break backward"])
    assert "last(t before q where t.raw.isalpha())" in text


def _blocks(code: str, heading: str) -> str | None:
    page = (Path(codes.__file__).parent / f"{code}.md").read_text()
    found = re.search(rf"## {heading}\n+```python\n(.*?)```", page, re.S)
    return found.group(1) if found else None


PAGES = sorted(p.stem for p in Path(codes.__file__).parent.glob("E03[0-2]?.md"))


@pytest.mark.parametrize("code", [c for c in PAGES if _blocks(c, "Example")])
def test_the_pages_tell_the_truth(code: str) -> None:
    example, instead = _blocks(code, "Example"), _blocks(code, "Instead")
    assert example is not None
    assert instead is not None
    with pytest.raises(NotLiftable) as stop:
        lifted(example, "example")
    assert stop.value.code == code
    lifted(instead, "example")


MORE = {
    "a break that depends on a running total": """
        for i in range(n):
            total = 0.0
            for j in range(i, -1, -1):
                w = 0.4 / (1 + i - j)
                total += w
                A[i, j] = w
                if total > 0.6:
                    break
            A[i, 0] += total
    """,
    "for else": """
        for i in range(n):
            for w in ["the", ",", "cat"]:
                for j in range(i):
                    if tokens[j] == w:
                        A[i, j] += 0.3
                        break
                else:
                    A[i, i] += 0.1
    """,
    "segments": """
        start = 0
        for i in range(n):
            for j in range(start, i + 1):
                A[i, j] = 0.2
            if tokens[i] == ",":
                start = i + 1
    """,
    "a set of numbers has no duplicates": """
        for i in range(n):
            for j in {0, 0, i, n - 1}:
                A[i, j] += 0.1
    """,
    "a list filled again when empty": """
        verbs = [j for j in range(n) if tokens[j] == "dog"]
        if not verbs:
            for j in range(n):
                if tokens[j] == "the":
                    verbs.append(j)
        for i in range(n):
            if verbs:
                A[i, min(verbs, key=lambda v: abs(v - i))] = 0.3
    """,
    "first comma": """
        first = None
        for j, t in enumerate(tokens):
            if "," in t:
                if first is None:
                    first = j
        for i in range(n):
            if first is not None and first < i:
                A[i, first] = 0.4
    """,
    "extremes in branches": """
        for i in range(n):
            w = 0
            for j in range(i + 1):
                if tokens[j] == "the":
                    w = max(w, 0.3 + 0.01 * j)
                elif tokens[j].isalpha():
                    w = max(w, 0.2)
            A[i, 0] = w
    """,
    "running weight": """
        for i in range(n):
            for j in range(n):
                w = 0.1
                if i == j:
                    w += 0.5
                elif j < i:
                    w += 0.2 / (i - j)
                if tokens[j] == "the":
                    w *= 1.5
                if tokens[i] == ",":
                    w = 0.01
                if j == 0:
                    w += 0.3
                A[i, j] = w
    """,
}


@pytest.mark.parametrize("name", sorted(MORE))
def test_a_further_idiom_keeps_its_meaning(name: str) -> None:
    same(MORE[name])


FILE = """
import numpy
from math import exp as e

STOPS = [".", "!"]
SEEN = []

def predict(sentence, tokens):
    n = len(tokens)
    A = numpy.zeros((n, n))
    for i in range(n):
        {line}
    return A
"""


def test_a_file_with_the_bare_interface() -> None:
    from attndsl.dsl.printer import to_text
    from attndsl.dsl.pyimport.lift import lift_program
    from attndsl.dsl.pyimport.read import read_module

    def text_of(line: str) -> str:
        return to_text(lift_program(read_module(FILE.format(line=line)).programs["predict"]).program)

    assert 'set exp(-2) to first when q.raw in {"!", "."}' in text_of("if tokens[i] in STOPS: A[i, 0] = e(-2)")
    with pytest.raises(NotLiftable) as stop:
        text_of("SEEN.append(i); A[i, 0] = len(SEEN)")
    assert stop.value.code == "E0311"
