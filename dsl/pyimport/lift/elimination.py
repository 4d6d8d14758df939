"""Systems of whole-number inequalities: Fourier-Motzkin elimination, one group of connected rows at a time.

Conditions of one program repeat: most of a path is the same from question to question. Rows that share no atom with
the rest are decided on their own, and each group's answer is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from attndsl.dsl.pyimport.lift.term import Term

Pairs = tuple[tuple[int, int], ...]
Row = tuple[Pairs, int]
"""Atoms by number with their coefficients, in order, and a constant: the sum is not negative."""

LIMIT = 160  # rows of one system; beyond it the answer is "unknown"
_ATOMS: dict[int, Term] = {}
_ANSWERS: dict[frozenset[tuple[Pairs, int]], bool] = {}


def forget() -> None:
    """Drop the tables between programs."""
    _ATOMS.clear()
    _ANSWERS.clear()


def atom(number: int) -> Term:
    """The term behind a number in a row."""
    return _ATOMS[number]


def row(coefficients: dict[Term, int], constant: int) -> Row:
    """The inequality, divided down; rounding down loses no solution in whole numbers."""
    for t in coefficients:
        _ATOMS[t.serial] = t
    return _divided({t.serial: k for t, k in coefficients.items()}, constant)


def _divided(sums: dict[int, int], constant: int) -> Row:
    pairs = [(a, k) for a, k in sums.items() if k]
    if len(pairs) == 1:
        ((a, k),) = pairs
        return ((a, 1 if k > 0 else -1),), constant // abs(k)
    if not pairs:
        return (), constant
    divisor = gcd(*[k for _, k in pairs])
    if divisor > 1:
        pairs = [(a, k // divisor) for a, k in pairs]
        constant //= divisor
    pairs.sort()
    return tuple(pairs), constant


def contradicts(rows: Iterable[Row]) -> bool:
    """True when no whole numbers satisfy all rows (by a proof over the rationals); False when unknown."""
    best: dict[Pairs, int] = {}
    for pairs, c in rows:
        old = best.get(pairs)
        if old is None or c < old:
            best[pairs] = c
    constant = best.pop((), 0)
    return constant < 0 or any(_answer(group) for group in _groups(best))


def _groups(best: dict[Pairs, int]) -> list[dict[Pairs, int]]:
    """The rows apart by connected atoms, each group in the order of the rows."""
    group_of: dict[int, int] = {}
    members: list[list[Pairs]] = []
    for pairs in best:
        known = {group_of[a] for a, _ in pairs if a in group_of}
        if known:
            target, *others = sorted(known)
        else:
            target, others = len(members), []
            members.append([])
        members[target].append(pairs)
        for a, _ in pairs:
            group_of[a] = target
        for other in others:
            for moved in members[other]:
                for a, _ in moved:
                    group_of[a] = target
            members[target] += members[other]
            members[other] = []
    return [{pairs: best[pairs] for pairs in group} for group in members if group]


def _answer(group: dict[Pairs, int]) -> bool:
    key = frozenset(group.items())
    found = _ANSWERS.get(key)
    if found is None:
        found = _ANSWERS[key] = _eliminate(group)
    return found


def _eliminate(best: dict[Pairs, int]) -> bool:
    while best:
        if len(best) > LIMIT:
            return False
        chosen = _cheapest(best)
        up: list[tuple[Pairs, int, int]] = []
        down: list[tuple[Pairs, int, int]] = []
        rest: dict[Pairs, int] = {}
        for pairs, c in best.items():
            for a, k in pairs:
                if a == chosen:
                    (up if k > 0 else down).append((pairs, c, abs(k)))
                    break
            else:
                rest[pairs] = c
        best = rest
        for p, c, x in up:
            for m, d, y in down:
                sums = {a: k * y for a, k in p}
                for a, k in m:
                    sums[a] = sums.get(a, 0) + k * x
                key, constant = _divided(sums, c * y + d * x)
                if not key:
                    if constant < 0:
                        return True
                    continue
                old = best.get(key)
                if old is None or constant < old:
                    best[key] = constant
    return False


def _cheapest(best: dict[Pairs, int]) -> int:
    """The atom whose elimination leaves the fewest rows; the first of equals."""
    ups: dict[int, int] = {}
    downs: dict[int, int] = {}
    for pairs in best:
        for a, k in pairs:
            if k > 0:
                ups[a] = ups.get(a, 0) + 1
                downs.setdefault(a, 0)
            else:
                downs[a] = downs.get(a, 0) + 1
                ups.setdefault(a, 0)
    return min(ups, key=lambda a: ups[a] * downs[a] - ups[a] - downs[a])
