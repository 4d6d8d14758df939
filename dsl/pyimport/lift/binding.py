"""Aggregates with their bound variables, and substitution without capture."""

from __future__ import annotations

from collections.abc import Iterable

from attndsl.dsl.pyimport.lift.algebra import (
    _NUMBERS,
    add,
    arith,
    compare,
    conj,
    disj,
    feature,
    func,
    glue,
    ite,
    member,
    mul,
    neg,
    not_,
    parts,
    some,
    sub,
    substring,
    windex,
    wordat,
)
from attndsl.dsl.pyimport.lift.sums import from_linear, linear
from attndsl.dsl.pyimport.lift.term import (
    _OPENED,
    _SUBSTITUTED,
    FALSE,
    NONE,
    TRUE,
    ZERO,
    Term,
    const,
    mk,
)

# ---------------------------------------------------------------- aggregates and reads

# agg: data is the kind; args (domain, variable, low, high, where, value). domain NONE: token positions in [low, high);
# ALL_WORDS or a feature such as children: words, whose low and high are NONE. Bound variables are named by their height
# ("@1" innermost), so that two aggregates that differ only in the name of the variable are one term.


def agg(kind: str, var: Term, domain: Term, low: Term, high: Term, where: Term, value: Term = NONE) -> Term:
    if where is FALSE and kind in ("count", "any", "sum"):
        return {"count": ZERO, "any": FALSE, "sum": ZERO}[kind]
    if kind == "any":
        where, outside = _split(where, var)
        if outside:
            return conj((*outside, agg(kind, var, domain, low, high, where)))
        return some(agg("first", var, domain, low, high, where))
    if kind == "count" and domain is NONE and where is TRUE:
        return func("max", (sub(high, low), ZERO), "int")
    named = mk("var", f"@{1 + max(where.height, value.height)}", (), var.kind)
    if named is not var:
        where, value = subst(where, {var: named}), subst(value, {var: named})
    if kind in ("count", "all"):
        result = "int" if kind == "count" else "bool"
    else:
        result = var.kind if kind in _NODES else value.kind if value.kind in _NUMBERS else "num"
    return mk("agg", kind, (domain, named, low, high, where, value), result)


def _split(where: Term, var: Term) -> tuple[Term, list[Term]]:
    """Conjuncts that do not read the variable stand outside."""
    said = parts(where)
    inside = [p for p in said if var.data in p.free]
    return conj(inside), [p for p in said if var.data not in p.free and p is not TRUE]


_NODES = ("first", "last", "nth", "argmax", "argmin")


def read(matrix: str, row: Term, column: Term, time: int) -> Term:
    return mk("read", (matrix, time), (row, column), "float")


def row_stat(matrix: str, name: str, row: Term, time: int) -> Term:
    return mk("stat", (matrix, name, time), (row,), "int" if name == "count" else "float")


def rebuild(t: Term, args: tuple[Term, ...]) -> Term:
    """The same operation on other arguments, simplified again."""
    match t.op:
        case "linear":
            return _rebuild_linear(t, args)
        case "bin" if t.kind == "str":
            return glue(args[0], args[1])
        case "bin":
            return arith(t.data, args[0], args[1], t.span)
        case "neg":
            return neg(args[0])
        case "and":
            return conj(args)
        case "or":
            return disj(args)
        case "not":
            return not_(args[0])
        case "some":
            return some(args[0])
        case "absent":
            return not_(some(args[0]))
        case "cmp":
            return compare(t.data, *args)
        case "ite":
            return ite(*args)
        case "feature":
            return feature(args[0], t.data, t.kind)
        case "windex":
            return windex(args[0])
        case "wordat":
            return wordat(args[0])
        case "member":
            return member(args[0], args[1:])
        case "substring":
            return substring(*args)
        case "agg":
            domain, var, low, high, where, value = args
            return agg(t.data, var, domain, low, high, where, value)
    return mk(t.op, t.data, args, t.kind, t.span)


def _rebuild_linear(t: Term, args: tuple[Term, ...]) -> Term:
    if any(a.kind != "int" for a in args):
        total: Term = const(t.data[-1])
        for c, a in zip(t.data[:-1], args, strict=True):
            total = add(total, mul(const(c), a))
        return total
    *coefficients, constant = t.data
    sums: dict[Term, int] = {}
    for c, a in zip(coefficients, args, strict=True):
        atoms, k = linear(a)
        constant += c * k
        for atom, x in atoms.items():
            sums[atom] = sums.get(atom, 0) + c * x
    return from_linear(sums, constant)


def subst(t: Term, mapping: dict[Term, Term]) -> Term:
    """Replace variables (or whole terms) everywhere, without capture."""
    if t.op == "var":
        return mapping.get(t, t)
    for k in mapping:
        if k.op != "var":
            return _Substitution(mapping, None).of(t)
    free = t.free
    for k in mapping:
        if k.data in free:
            break
    else:
        return t
    key = tuple(mapping.items())
    found = _SUBSTITUTED.get(key)
    if found is None:
        found = _SUBSTITUTED[key] = _Substitution(dict(mapping), frozenset(k.data for k in mapping))
    return found.of(t)


class _Substitution:
    """One substitution with all that it was applied to. ``names`` are those of its variables, None for other terms."""

    __slots__ = ("done", "flat", "names")

    def __init__(self, mapping: dict[Term, Term], names: frozenset[str] | None) -> None:
        self.names = names
        self.done: dict[Term, Term] = dict(mapping)
        # Without aggregates in the new terms no bound variable gets a higher number: none can be captured. Nor is one
        # replaced: of those only ``_opened`` replaces any, and those inside have lower numbers.
        self.flat = names is not None and not any(
            by.height or any(v[0] == "@" for v in by.free) for by in mapping.values()
        )

    def of(self, t: Term) -> Term:
        found = self.done.get(t)
        if found is None:
            found = self.done[t] = self._inside(t)
        return found

    def _inside(self, t: Term) -> Term:
        old = t.args
        if t.op == "agg" and not self.flat:
            old = opened(t)
        names, done = self.names, self.done
        new: list[Term] = []
        for a in old:  # as ``of`` does, without a call for the many that stay
            found = done.get(a)
            if found is None:
                if names is not None and names.isdisjoint(a.free):
                    found = a
                else:
                    found = done[a] = self._inside(a)
            new.append(found)
        args = tuple(new)
        return t if args == old else rebuild(t, args)


def opened(t: Term) -> tuple[Term, ...]:
    """The arguments with the bound variable replaced by one that belongs to this aggregate alone."""
    found = _OPENED.get(t)
    if found is None:
        domain, var, low, high, where, value = t.args
        own = mk("var", f"~{t.serial}", (), var.kind)
        found = _OPENED[t] = domain, own, low, high, subst(where, {var: own}), subst(value, {var: own})
    return found


def walk(t: Term) -> Iterable[Term]:
    """Every different term inside, once."""
    return walk_all((t,))


def walk_all(terms: Iterable[Term]) -> Iterable[Term]:
    """Every different term inside any of these, once: what several have in common is gone through one time."""
    seen: set[Term] = set()
    stack = [*terms]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            yield at
            stack.extend(at.args)
