"""Whole-number terms as sums in one normal form: coefficients of atoms and a constant."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift.term import Term, const, mk


def linear(t: Term) -> tuple[dict[Term, int], int]:
    """An int term as coefficients of atoms and a constant."""
    op = t.op
    if op == "linear":
        return dict(zip(t.args, t.data, strict=False)), t.data[-1]
    if op == "const" and t.kind in ("int", "bool"):
        return {}, int(t.data)
    return {t: 1}, 0


def from_linear(atoms: dict[Term, int], constant: int) -> Term:
    if 0 in atoms.values():
        atoms = {a: c for a, c in atoms.items() if c}
    if len(atoms) == 1:
        ((atom, c),) = atoms.items()
        return atom if c == 1 and constant == 0 else mk("linear", (c, constant), (atom,), "int")
    if not atoms:
        return const(constant)
    ordered = sorted(atoms.items(), key=_order)
    return mk("linear", (*[c for _, c in ordered], constant), tuple([a for a, _ in ordered]), "int")


def _order(item: tuple[Term, int]) -> tuple[bool, int, str]:
    t, c = item
    return c != abs(c), t.size, str(t.data) if t.op == "var" else t.op


def plus(a: Term, b: Term, times: int) -> Term:
    """a + times * b, of ints."""
    left, c = linear(a)
    right, d = linear(b)
    for atom, k in right.items():
        left[atom] = left.get(atom, 0) + times * k
    return from_linear(left, c + times * d)


def gap_of(a: Term, b: Term) -> int | None:
    """a - b of ints, where it is a constant."""
    left, c = linear(a)
    right, d = linear(b)
    return c - d if left == right else None
