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
    if b.op == "const" and a.op != "const":
        return _shifted(a, times * int(b.data))
    left, c = linear(a)
    right, d = linear(b)
    for atom, k in right.items():
        left[atom] = left.get(atom, 0) + times * k
    return from_linear(left, c + times * d)


def _shifted(t: Term, more: int) -> Term:
    """A term that is no constant, and a constant: the atoms stay as they are."""
    if more == 0:
        return t
    if t.op != "linear":
        return mk("linear", (1, more), (t,), "int")
    *coefficients, constant = t.data
    if constant + more == 0 and coefficients == [1]:
        return t.args[0]
    return mk("linear", (*coefficients, constant + more), t.args, "int")


def gap_of(a: Term, b: Term) -> int | None:
    """a - b of ints, where it is a constant."""
    if a.op != "linear" and b.op != "linear":  # atoms, or an atom and a constant, unless they are one term
        return 0 if a is b else a.data - b.data if a.op == b.op == "const" else None
    left, c = linear(a)
    right, d = linear(b)
    return c - d if left == right else None
