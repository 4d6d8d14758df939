"""Systems of whole-number inequalities: Fourier-Motzkin elimination, one group of connected rows at a time.

Conditions repeat: most of a path is the same from question to question, and programs ask alike. A question looks only
at the groups of rows that its own rows touch, and each group's answer is remembered, whatever its atoms are called: it
depends on the numbers alone, so that a remembered answer is the one that would be found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import gcd

from attndsl.dsl.pyimport.lift.term import Term, spend

Pairs = tuple[tuple[int, int], ...]
Row = tuple[Pairs, int]
"""Atoms by number with their coefficients, in order, and a constant: the sum is not negative."""

LIMIT = 160  # rows of one system; beyond it the answer is "unknown"
_MANY, _A_TERM = 16, 2  # a step with many rows, or atoms, takes as much time as making a term for every two
_ATOMS: dict[int, Term] = {}
_ANSWERS: dict[tuple[Row, ...], bool] = {}
_MAX_ANSWERS = 20_000


def forget() -> None:
    """Drop the atoms between programs; the answers do not speak of them."""
    _ATOMS.clear()
    if len(_ANSWERS) > _MAX_ANSWERS:
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
    return tuple(sorted([(a, k // divisor) for a, k in pairs])), constant // divisor


Facts = Callable[[int], "tuple[Row, ...]"]


class System:
    """Rows in groups that share no atom. A system never changes: ``extended`` gives another one."""

    __slots__ = ("best", "contradictory", "group_of", "members")

    def __init__(self) -> None:
        self.best: dict[Pairs, int] = {}
        self.group_of: dict[int, int] = {}
        self.members: dict[int, tuple[Pairs, ...]] = {}
        self.contradictory = False

    def extended(self, rows: Iterable[Row], facts: Facts) -> System:
        """With more rows, and with what is known of their atoms. ``contradictory`` is True when no whole numbers
        satisfy all rows (by a proof over the rationals); False says nothing."""
        if self.contradictory:
            return self
        known = self.best
        rows = [r for r in rows if r[0] not in known or r[1] < known[r[0]]]
        if not rows:
            return self
        spend(1 if len(known) <= _MANY else len(known) // _A_TERM)
        for pairs, c in rows:  # most contradictions are two rows that say the opposite
            opposite = known.get(tuple([(a, -k) for a, k in pairs]))
            if opposite is not None and opposite + c < 0:
                return _CONTRADICTION
        found = System.__new__(System)
        best = found.best = known.copy()
        found.group_of, found.members = self.group_of.copy(), self.members.copy()
        found.contradictory = False
        changed: set[int] = set()
        for pairs, c in rows:  # facts are added while the list is walked
            old = best.get(pairs)
            if old is None or c < old:
                if not pairs:
                    if c < 0:
                        return _CONTRADICTION
                    continue
                best[pairs] = c
                if old is None:
                    found._add(pairs, rows, facts, changed)
                else:
                    changed.add(found.group_of[pairs[0][0]])
        for group in changed:
            own = found.members[group]
            if len(own) > 2:
                found.contradictory = _answer([(p, best[p]) for p in own])
            elif len(own) == 2:  # divided down, two rows leave no solution only where one is the other, turned round
                first, second = own
                turned = first == tuple([(a, -k) for a, k in second])
                found.contradictory = turned and best[first] + best[second] < 0
            if found.contradictory:
                break
        return found

    def _add(self, pairs: Pairs, pending: list[Row], facts: Facts, changed: set[int]) -> None:
        """A row with new left side joins the groups of its atoms."""
        group_of, members = self.group_of, self.members
        target: int | None = None
        for a, _ in pairs:
            found = group_of.get(a)
            if found is None:
                if len(self.best) < LIMIT:
                    pending.extend(facts(a))
            elif target is None:
                target = found
            elif found != target:
                moved = members.pop(found)
                for other in moved:
                    for b, _ in other:
                        group_of[b] = target
                members[target] += moved
                changed.discard(found)
        if target is None:
            target = pairs[0][0]
        members[target] = (*members.get(target, ()), pairs)
        for a, _ in pairs:
            group_of[a] = target
        changed.add(target)


_CONTRADICTION = System()
_CONTRADICTION.contradictory = True


def _answer(group: list[Row]) -> bool:
    names: dict[int, int] = {}
    renamed: list[Row] = []
    for pairs, c in group:
        if len(pairs) == 1:
            ((a, k),) = pairs
            at = names.get(a)
            if at is None:
                at = names[a] = len(names)
            renamed.append((((at, k),), c))
        elif len(pairs) == 2:
            (a, k), (b, h) = pairs
            at, to = names.get(a), names.get(b)
            if at is None:
                at = names[a] = len(names)
            if to is None:
                to = names[b] = len(names)
            renamed.append((((at, k), (to, h)) if at < to else ((to, h), (at, k)), c))
        else:
            renamed.append((tuple(sorted([(names.setdefault(a, len(names)), k) for a, k in pairs])), c))
    key = tuple(renamed)
    found = _ANSWERS.get(key)
    if found is None:
        found = _ANSWERS[key] = _eliminate(dict(renamed))
    return found


def _eliminate(best: dict[Pairs, int]) -> bool:
    while best:
        if len(best) > LIMIT:
            return False
        if len(best) > _MANY:
            spend(len(best) // _A_TERM)
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
            own, other = (ups, downs) if k > 0 else (downs, ups)
            own[a] = own.get(a, 0) + 1
            other.setdefault(a, 0)
    if len(ups) > _MANY:
        spend(len(ups) // _A_TERM)
    return min(ups, key=lambda a: ups[a] * downs[a] - ups[a] - downs[a])
