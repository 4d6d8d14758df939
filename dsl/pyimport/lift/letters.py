"""The characters of a text: sets of them, and any(), all() and sum() over them.

A text has no positions of its own in the language, so a walk through its characters becomes a question to the whole
text: ``any(c in ".,!" for c in t)`` is one test per character, ``all(...)`` strips them, sets are counted by
``shared`` and ``either``.
"""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import condition, evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Opaque, Scalar, Value

# Methods that ask the same of each character: true of a text exactly when it is not empty and all characters pass.
_EACH = ("isalpha", "isdigit", "isalnum", "isspace", "isnumeric", "isdecimal")
_HAS = ("isalpha", "isdigit", "isdecimal", "isalnum", "isupper", "islower", "isspace")


def of_text(value: Value) -> Term | None:
    """The text behind ``set(text)`` or a text that is walked through, when it is no constant."""
    if isinstance(value, Opaque) and value.name == "letters":
        op, text, *_ = value.data
        return text if op == "of" else None
    if isinstance(value, Scalar) and value.term.kind == "str" and not T.is_const(value.term):
        return value.term
    return None


def set_of(text: Term) -> Value:
    """``set(text)``."""
    return Opaque("letters", ("of", text))


def combined(m: Machine, op: str, a: Value, b: Value) -> Value | None:
    """``set(s) & set(t)`` and ``set(s) | set(t)``; None when the values are no such sets."""
    sides = [of_text(v) if isinstance(v, Opaque) else None for v in (a, b)]
    if sides[0] is None or sides[1] is None:
        return None
    return Opaque("letters", (op, sides[0], sides[1]))


def size(letters: Opaque) -> Term:
    """``len`` of such a set."""
    op, *texts = letters.data
    if op == "of":
        return T.func("shared", (texts[0], texts[0]), "int")
    return T.func("shared" if op == "&" else "either", tuple(texts), "int")


def truth(letters: Opaque) -> Term:
    op, *texts = letters.data
    if op == "&":
        return T.compare(">", size(letters), T.ZERO)
    return T.disj(T.compare("!=", t, T.const("")) for t in texts)


def nonzero(m: Machine, t: Term) -> bool:
    """``shared(s, s)`` and ``either(s, t)`` count something unless the texts are empty."""
    if t.op != "func" or t.data not in ("shared", "either"):
        return False
    if t.data == "shared" and t.args[0] is not t.args[1]:
        return False
    return any(
        m.holds(T.compare("!=", text, T.const(""))) or m.holds(T.compare(">", T.length(text), T.ZERO))
        for text in t.args
    )


def quotient(m: Machine, x: Term, y: Term) -> Term | None:
    """``len(s & t) / len(s | t)`` has a name of its own where the divisor is not zero."""
    both = x.op == y.op == "func" and (x.data, y.data) == ("shared", "either") and x.args == y.args
    return T.func("overlap", x.args, "float") if both and nonzero(m, y) else None


# ---------------------------------------------------------------- any, all, sum


def question(m: Machine, kind: str, node: ast.expr) -> Term | None:
    """``any/all/sum(P(c) for c in text)``, or None when it is no walk through the characters of one text."""
    if not isinstance(node, ast.GeneratorExp | ast.ListComp) or len(node.generators) != 1:
        return None
    g = node.generators[0]
    if not isinstance(g.target, ast.Name) or isinstance(g.iter, ast.Constant | ast.List | ast.Tuple | ast.Set):
        return None
    before = len(m.events)
    walked = spread(m, lambda v: v, evaluate(m, g.iter))
    text = of_text(walked)
    if text is None:
        del m.events[before:]  # the caller evaluates it again
        return None
    c = T.fresh("str", "letter")
    with m.scope(frozenset((g.target.id,))):
        m.assign(g.target.id, Scalar(c))
        filters = [condition(m, test) for test in g.ifs]
        found = _answer(m, kind, node.elt, filters, c, text, isinstance(walked, Opaque))
    if len(m.events) > before:
        raise m.stop("something in a walk through the characters of a text may fail", node, "E0314")
    return found


def _answer(m: Machine, kind: str, elt: ast.expr, filters: list[Term], c: Term, text: Term, distinct: bool) -> Term:
    if kind == "sum":
        one = evaluate(m, elt)
        if isinstance(one, Scalar) and one.term is T.ONE:
            return _count(m, T.conj(filters), c, text, distinct)
        if isinstance(one, Scalar):
            return _count(m, T.conj((*filters, one.term)), c, text, distinct)
        raise _unknown(m)
    passes = condition(m, elt)
    if kind == "any":
        return _any(m, T.conj((*filters, passes)), c, text)
    return T.not_(_any(m, T.conj((*filters, T.not_(passes))), c, text))


def _unknown(m: Machine) -> Exception:
    return m.stop("the characters of a text are walked through in an unusual way", code="E0302")


def _any(m: Machine, p: Term, c: Term, text: Term) -> Term:
    """Some character of the text satisfies the condition."""
    if c.data not in p.free:
        return T.conj((T.compare("!=", text, T.const("")), p))
    if p.op == "or":
        return T.disj(_any(m, part, c, text) for part in p.args)
    if p.op == "and":
        inside = [x for x in p.args if c.data in x.free]
        rest = [x for x in p.args if c.data not in x.free]
        if len(inside) == 1:
            return T.conj((*rest, _any(m, inside[0], c, text)))
        chosen = [_members(x, c) for x in inside]
        known = [x for x in chosen if x is not None]
        if known:
            return T.conj((*rest, _one_of(m, inside, c, text, frozenset.intersection(*known))))
        raise _unknown(m)
    members = _members(p, c)
    if members is not None:
        return T.disj(T.substring(T.const(x), text) for x in sorted(members))
    return _single(m, p, c, text)


def _one_of(m: Machine, inside: list[Term], c: Term, text: Term, members: frozenset[str]) -> Term:
    """Some of these characters is in the text and satisfies all conditions."""
    return T.disj(
        T.conj((T.substring(T.const(x), text), *(T.subst(p, {c: T.const(x)}) for p in inside))) for x in sorted(members)
    )


def _single(m: Machine, p: Term, c: Term, text: Term) -> Term:
    negative = p.op == "not"
    atom = p.args[0] if negative else p
    if p.op == "cmp" and p.data == "!=":
        negative, atom = True, T.compare("==", *p.args)
    members = _members(atom, c)
    if members is not None:  # what is not negative has been said with the characters themselves
        stripped = T.text_method(text, "strip", (T.const("".join(sorted(members))),), "str", str.strip)
        return T.compare("!=", stripped, T.const(""))
    if atom.op == "method" and atom.args == (c,):
        if negative and atom.data in _EACH:
            whole = T.text_method(text, atom.data, (), "bool", getattr(str, atom.data))
            return T.conj((T.compare("!=", text, T.const("")), T.not_(whole)))
        if not negative and atom.data in _HAS:
            name = f"has{atom.data[2:]}"
            return T.mk("method", name, (text,), "bool")
    if atom.op == "substring" and atom.args[0] is c and c.data not in atom.args[1].free:
        other = atom.args[1]
        common = T.func("shared", (text, other), "int")
        if not negative:
            return T.compare(">", common, T.ZERO)
        return T.compare("<", common, T.func("shared", (text, text), "int"))
    raise _unknown(m)


def _members(p: Term, c: Term) -> frozenset[str] | None:
    """The characters that pass, when the condition names them."""
    if p.op == "member" and p.args[0] is c:
        return frozenset(x.data for x in p.args[1:] if len(x.data) == 1)
    if p.op == "substring" and p.args[0] is c and T.is_const(p.args[1]):
        return frozenset(p.args[1].data)
    if p.op == "cmp" and p.data == "==" and c in p.args:
        other = p.args[1] if p.args[0] is c else p.args[0]
        if T.is_const(other):
            return frozenset((other.data,)) if len(other.data) == 1 else frozenset()
    return None


def _count(m: Machine, p: Term, c: Term, text: Term, distinct: bool) -> Term:
    members = _members(p, c)
    if members is not None:
        total: Term = T.ZERO
        for x in sorted(members):
            found = T.substring(T.const(x), text)
            how_often = T.text_method(text, "count", (T.const(x),), "int", str.count)
            total = T.add(total, T.ite(found, T.ONE, T.ZERO) if distinct else how_often)
        return total
    if distinct and p.op == "substring" and p.args[0] is c and c.data not in p.args[1].free:
        return T.func("shared", (text, p.args[1]), "int")
    if p is T.TRUE and not distinct:
        return T.length(text)
    raise _unknown(m)
