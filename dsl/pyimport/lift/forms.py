"""Forms of change of a carried name: sum, product, toggle, extreme, assignment."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.excluding import follows, plainer
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.terms import Term

# ---------------------------------------------------------------- forms of change


def _normal(t: Term, var: Term) -> Term:
    """``g or c`` as ``if g then true else c``, so that flags look like other assignments.

    Beside c itself, what else asks for c is settled: ``(p and not c) or c`` is ``p or c``.
    """
    if t.kind == "bool" and t.op in ("or", "and") and var in t.args:
        known = {var: T.const(t.op == "and")}
        rest = [T.subst(a, known) if var.data in a.free else a for a in t.args if a is not var]
        if t.op == "or":
            return T.mk("ite", None, (T.disj(rest), T.TRUE, var), "bool")
        return T.mk("ite", None, (T.conj(rest), var, T.FALSE), "bool")
    if t.kind == "bool" and t.op == "ite" and var.data in (t.args[1].free | t.args[2].free):
        c, a, b = t.args
        return T.mk("ite", None, (c, _normal(a, var), _normal(b, var)), "bool")
    return t


def _form(t: Term, var: Term) -> tuple[str, Term, Term] | None:
    """(sort of change, where it happens, by what); sort "assign" when the old value plays no part."""
    t = _settled(_normal(t, var))
    extreme = _extreme(t, var)
    if extreme is not None:
        return extreme
    leaves: list[tuple[str, Term]] = []
    tree = _leaves(t, var, leaves)
    if tree is None:
        return None
    sorts = {s for s, _ in leaves if s != "same"}
    if not sorts:
        return "add", T.FALSE, T.ZERO
    if len(sorts) != 1:
        return None
    (sort,) = sorts
    if sort == "assign":
        return sort, T.TRUE, T.ZERO
    where = _absorbed(_where_changed(tree))
    value = _changed_value(tree, T.ZERO if sort == "add" else T.ONE)
    if var.data in where.free or var.data in value.free:
        return None
    if sort in ("add", "mul") and value.op == "ite":
        where = _narrow(where, value, sort)
        value = _narrowed(value, sort)
    return sort, where, value


def set_and_reset(t: Term, var: Term) -> Term | None:
    """A flag's value at the end of an iteration as ``given if changed else flag``; None where it may be turned round.

    Of a boolean function f of the flag, f(false) and f(true) say which of four things an iteration does: set the flag
    (both true), reset it (both false), keep it, or turn it round (f(false) and not f(true)).
    """
    off, on = (plainer(T.subst(t, {var: constant})) for constant in (T.FALSE, T.TRUE))
    if var.data in (off.free | on.free):
        return None
    if T.conj((off, T.not_(on))) is not T.FALSE and not follows(on, off):
        return None
    return T.mk("ite", None, (T.disj((off, T.not_(on))), off, var), "bool")


def restarts(t: Term, var: Term) -> tuple[str, Term, Term, Term, Term] | None:
    """(add or mul, where the name is set anew, to what, where it is changed, by what), or None."""
    leaves: list[tuple[str, Term]] = []
    tree = _leaves(_settled(_normal(t, var)), var, leaves)
    sorts = {s for s, _ in leaves if s != "same"}
    if tree is None or len(sorts) != 2 or "assign" not in sorts:
        return None
    (kind,) = sorts - {"assign"}
    if kind not in ("add", "mul"):
        return None
    assigned, value = _where(tree, "assign"), _value_of(tree, "assign")
    changed, by = _where(tree, kind), _value_of(tree, kind)
    if any(x is None or var.data in x.free for x in (assigned, value, changed, by)):
        return None
    assert value is not None
    assert by is not None
    return kind, assigned, value, changed, by


def _where(tree: Tree, sort: str) -> Term:
    """The condition of the leaves of this sort."""
    own, term, a, b = tree
    if own != "ite":
        return T.const(own == sort)
    assert a is not None
    assert b is not None
    return T.ite(term, _where(a, sort), _where(b, sort))


def _value_of(tree: Tree, sort: str) -> Term | None:
    """The value of the leaves of this sort, one where there are several."""
    own, term, a, b = tree
    if own != "ite":
        return term if own == sort else None
    assert a is not None
    assert b is not None
    then, other = _value_of(a, sort), _value_of(b, sort)
    if then is None or other is None:
        return other if then is None else then
    return T.ite(term, then, other)


def _settled(t: Term) -> Term:
    """``a if c else (a if p else b)`` is ``a if p else b`` where c says that p, as at the break that follows ``p``."""
    if t.op != "ite":
        return t
    c, then, other = t.args
    then, other = _settled(then), _settled(other)
    for side, rest, sure in ((then, other, T.not_(c)), (other, then, c)):
        if side.op == "ite":
            p, a, b = side.args
            if rest in (a, b) and (p if rest is a else T.not_(p)) in T.said(sure):
                return side
    # A flag keeps its branches: ``ite`` would make one condition of them again.
    return t if (then, other) == t.args[1:] else T.ite(c, then, other)


def _absorbed(t: Term) -> Term:
    """``(a and b) or a`` is ``a``."""
    if t.op != "or":
        return t
    sides = [frozenset(x.args) if x.op == "and" else frozenset((x,)) for x in t.args]
    return T.disj(x for x, own in zip(t.args, sides, strict=True) if not any(other < own for other in sides))


def _narrow(where: Term, value: Term, sort: str) -> Term:
    neutral = T.ZERO if sort == "add" else T.ONE
    return T.conj((where, value.args[0])) if value.args[2] is neutral else where


def _narrowed(value: Term, sort: str) -> Term:
    neutral = T.ZERO if sort == "add" else T.ONE
    return value.args[1] if value.args[2] is neutral else value


Tree = tuple[str, Term, "Tree | None", "Tree | None"]


def _leaves(t: Term, var: Term, out: list[tuple[str, Term]]) -> Tree | None:
    if t.op == "ite" and var.data in (t.args[1].free | t.args[2].free):
        a, b = _leaves(t.args[1], var, out), _leaves(t.args[2], var, out)
        if a is None or b is None:
            return None
        return "ite", t.args[0], a, b
    leaf = _leaf(t, var)
    if leaf is None:
        return None
    out.append(leaf)
    return leaf[0], leaf[1], None, None


def _leaf(t: Term, var: Term) -> tuple[str, Term] | None:
    if t is var:
        return "same", T.ZERO
    if var.data not in t.free:
        return "assign", t
    if t.op == "not" and t.args[0] is var:
        return "toggle", T.ONE
    if t.kind == "int":
        atoms, c = T.linear(t)
        if atoms.get(var) == 1:
            rest = T.from_linear({a: k for a, k in atoms.items() if a is not var}, c)
            return ("add", rest) if var.data not in rest.free else None
        if t.op == "bin" and t.data == "*":
            return _multiplied(t, var)
        return None
    if t.op == "bin" and t.data in ("+", "-"):
        return _added(t, var)
    if t.op == "bin" and t.data in ("*", "/"):
        return _multiplied(t, var)
    return None


def _added(t: Term, var: Term) -> tuple[str, Term] | None:
    a, b = t.args
    if var.data in a.free and var.data in b.free:
        return _share(t, var)
    if var.data in a.free and var.data not in b.free:
        inner = _leaf(a, var)
        delta = b if t.data == "+" else T.neg(b)
        if inner is not None and inner[0] in ("same", "add"):
            return "add", (delta if inner[0] == "same" else near(T.add(inner[1], delta)))
    if t.data == "+" and var.data in b.free and var.data not in a.free:
        inner = _leaf(b, var)
        if inner is not None and inner[0] in ("same", "add"):
            return "add", (a if inner[0] == "same" else near(T.add(a, inner[1])))
    return None


def _share(t: Term, var: Term) -> tuple[str, Term] | None:
    """``c - c / 2`` is ``c`` times a factor."""
    factors = []
    for side in t.args:
        found = _leaf(side, var)
        if found is None or found[0] not in ("same", "mul"):
            return None
        factors.append(T.ONE if found[0] == "same" else found[1])
    return "mul", near(T.arith(t.data, factors[0], factors[1], t.span))


def _multiplied(t: Term, var: Term) -> tuple[str, Term] | None:
    a, b = t.args
    if var.data in b.free and t.data == "*":
        a, b = b, a
    if var.data in b.free:
        return None
    inner = _leaf(a, var)
    if inner is None or inner[0] not in ("same", "mul"):
        return None
    factor = b if t.data == "*" else near(T.arith("/", T.ONE, b, t.span))
    return "mul", (factor if inner[0] == "same" else near(T.mul(inner[1], factor)))


def _where_changed(tree: Tree) -> Term:
    sort, term, a, b = tree
    if sort == "ite":
        assert a is not None
        assert b is not None
        return T.ite(term, _where_changed(a), _where_changed(b))
    return T.const(sort != "same")


def _changed_value(tree: Tree, neutral: Term) -> Term:
    sort, term, a, b = tree
    if sort != "ite":
        return neutral if sort == "same" else term
    assert a is not None
    assert b is not None
    if _where_changed(b) is T.FALSE:
        return _changed_value(a, neutral)
    if _where_changed(a) is T.FALSE:
        return _changed_value(b, neutral)
    return T.ite(term, _changed_value(a, neutral), _changed_value(b, neutral))


def _extreme(t: Term, var: Term) -> tuple[str, Term, Term] | None:
    """``max(c, x)`` and ``if x > c: c = x``, in any branches."""
    found = _extreme_tree(t, var)
    if found is None or found[0] == "" or found[2] is None:
        return None
    return found[0], found[1], found[2]


def _extreme_tree(t: Term, var: Term) -> tuple[str, Term, Term | None] | None:
    """(max or min, where, of what); sort "" where nothing changes; None when it is no extreme."""
    if t is var:
        return "", T.FALSE, None
    if t.op == "func" and t.data in ("max", "min") and len(t.args) == 2 and var in t.args:
        other = t.args[1] if t.args[0] is var else t.args[0]
        return (t.data, T.TRUE, other) if var.data not in other.free else None
    if t.op == "func" and t.data in ("max", "min") and len(t.args) == 2:
        return _extreme_of_extreme(t, var)
    if t.op != "ite":
        return None
    tested = _tested(t, var)
    if tested is not None:
        return tested
    c, a, b = t.args
    if var.data in c.free:
        return None
    left, right = _extreme_tree(a, var), _extreme_tree(b, var)
    if left is None or right is None or len({left[0], right[0]} - {""}) > 1:
        return None
    if left[2] is None or right[2] is None:
        value = left[2] or right[2]
    else:
        value = T.ite(c, left[2], right[2])
    return left[0] or right[0], T.ite(c, left[1], right[1]), value


def _extreme_of_extreme(t: Term, var: Term) -> tuple[str, Term, Term | None] | None:
    """``max(c, x)`` and then ``max(c, y)``: the greatest of x and y where there is an x, else y."""
    inner, other = t.args if var.data in t.args[0].free else t.args[::-1]
    found = _extreme_tree(inner, var)
    if found is None or var.data in other.free or found[0] not in ("", t.data):
        return None
    _, where, value = found
    both = other if value is None else T.ite(where, T.func(t.data, (value, other), t.kind), other)
    return t.data, T.TRUE, both


def alternation(t: Term, var: Term) -> tuple[Term, Term, Term] | None:
    """(where, a, b) of ``if where: c = b if c == a else a`` and ``c = 1 - c``; b may depend on the iteration."""
    where = T.TRUE
    if t.op == "ite" and var in t.args[1:]:
        where = t.args[0] if t.args[2] is var else T.not_(t.args[0])
        t = t.args[1] if t.args[2] is var else t.args[2]
    if var.data in where.free:
        return None
    if t.op == "linear":
        atoms, total = T.linear(t)
        return (where, T.ZERO, T.const(total)) if atoms == {var: -1} and total != 0 else None
    if t.op != "ite" or t.args[0].op != "cmp" or t.args[0].data not in ("==", "!="):
        return None
    test, then, other = t.args
    if test.data == "!=":
        then, other = other, then
    plain = var in test.args and other in test.args and T.is_const(other) and var.data not in then.free
    return (where, other, then) if plain else None


def _tested(t: Term, var: Term) -> tuple[str, Term, Term | None] | None:
    """``if P and x > c: c = x``."""
    c, x, rest_value = t.args
    if rest_value is not var:
        return None
    parts = T.parts(c)
    tests = [p for p in parts if _comparison(p, x, var)]
    rest = [p for p in parts if p not in tests]
    if len(tests) != 1 or any(var.data in p.free for p in rest) or var.data in x.free:
        return None
    op = _comparison(tests[0], x, var)
    if op not in ("<", "<=", ">", ">="):
        return None
    return ("max" if op[0] == ">" else "min"), T.conj(rest), x


def _comparison(p: Term, x: Term, var: Term) -> str:
    """How x compares with the name where it takes its place; ``x > c or (x == c and P)`` is as good as ``x > c``."""
    if p.op == "cmp" and x in p.args and var in p.args:
        return str(p.data if p.args[0] is x else {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(p.data, p.data))
    if p.op != "or":
        return ""
    direct = {_comparison(d, x, var) for d in p.args} & {">", "<"}
    equal = [d for d in p.args if any(_comparison(c, x, var) == "==" for c in (d.args if d.op == "and" else (d,)))]
    return direct.pop() if len(direct) == 1 and len(equal) == len(p.args) - 1 else ""
