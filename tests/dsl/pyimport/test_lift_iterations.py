"""What later iterations of a loop do to what earlier ones wrote or counted: against Python itself."""

from __future__ import annotations

import pytest
from lift_support import reason, same

BODIES = {
    "a later iteration overwrites": """
        marks = [j for j in range(n) if tokens[j] in (",", ".", "the")]
        for i in range(n):
            for m in marks:
                if m <= i:
                    A[i, m] = 0.2
                    A[i, m - 1] = 0.3
                if m < i:
                    A[i, 0] = 0.4 / (i - m)
    """,
    "added between what is set": """
        marks = [j for j in range(n) if tokens[j] in (",", ".", "the")]
        for i in range(n):
            A[i, 0] = 1.0
            for m in marks:
                A[i, m] += 0.2
                A[i, m - 1] = 0.3
                for j in range(m, i):
                    A[i, j] += 0.1
    """,
    "from the last iteration to the first": """
        for j in range(n - 1, -1, -1):
            A[0, j] = 0.5
            if tokens[j] == "the":
                A[0, :j] = 0.25
            for i in range(j, n):
                A[i, 0] = 0.3 / (j + 1)
    """,
    "scaled between what is set": """
        for i in range(n):
            for j in range(i + 1):
                A[i, j] = 0.5
                if tokens[j] == ",":
                    A[i, i - j] *= 3.0
    """,
    "each column added to and scaled by other iterations": """
        for i in range(n):
            for j in range(i):
                A[i, j] += 0.5
                A[i, i - j] *= 2.0
    """,
    "a count that begins anew": """
        since, weight = 0, 1.0
        for i in range(n):
            A[i, 0] = 0.1 * since + weight
            if tokens[i] in (",", ".", "dog"):
                since, weight = 0, 0.5
            else:
                since += 1
                weight *= 0.9
        A[0, n - 1] = since
    """,
    "a sum from the end that begins anew": """
        total = 5
        for i in range(n - 1, -1, -1):
            A[i, 0] = 0.01 * total
            if tokens[i] == "the":
                total = i
                continue
            total += len(tokens[i])
        A[0, n - 1] = total
    """,
    "set again in the first iteration": """
        start = 0
        for i, t in enumerate(tokens):
            if i == 0 and t == "The":
                start = 0
            elif start == 0 and t.isalpha():
                start = i
        for i in range(n):
            A[i, start] = 0.3
    """,
    "the last of the best": """
        for i in range(n):
            best, at = 0, -1
            for j in range(i):
                size = len(tokens[j])
                if size > best or (size == best and tokens[j].isalpha()):
                    best = size
                    at = j
            if at >= 0:
                A[i, at] = 0.1 * best
    """,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_order_of_iterations_is_kept(body: str) -> None:
    same(body)


NEAR_MISSES = {
    "a weight that the loop wrote decides": """
        for i in range(n):
            for j in range(i):
                A[i, j] = 0.5
                if A[i, i - j] == 0:
                    A[i, i - j] = 0.2
    """,
    "added and scaled in turn": """
        for i in range(n):
            for j in range(i):
                A[i, 0] += 0.5
                A[i, 0] *= 2.0
    """,
    "begins anew at a value of its own": """
        c = 1
        for i in range(n):
            A[i, 0] = c
            if tokens[i] == ",":
                c = 7 - c * c
            else:
                c += 1
    """,
}


@pytest.mark.parametrize("body", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_would_be_another_order_is_not_lifted(body: str) -> None:
    assert reason(body) in ("E0317", "E0320")
