"""Python's built-in functions, and comprehensions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arguments, arrays, numpy_, row_calls, tables
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, spread, truth
from attndsl.dsl.pyimport.lift.comprehensions import _comprehension
from attndsl.dsl.pyimport.lift.evaluate import evaluate, register
from attndsl.dsl.pyimport.lift.folds import _extreme, _next, _quantifier, _sum
from attndsl.dsl.pyimport.lift.handing_on import STORED
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import as_float
from attndsl.dsl.pyimport.lift.merge import merge_values
from attndsl.dsl.pyimport.lift.neighbours import PAIRS, in_pairs
from attndsl.dsl.pyimport.lift.ranges import range_of, range_value
from attndsl.dsl.pyimport.lift.rewriting import filtered, mapped
from attndsl.dsl.pyimport.lift.sequences import (
    _dict,
    _enumerate,
    _len,
    _list,
    _reversed,
    _set,
    _sorted,
    _tuple,
    _zip,
    iterable,
)
from attndsl.dsl.pyimport.lift.stacks import ITEM
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Choice,
    DictValue,
    Growing,
    NoneValue,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Value,
    Word,
    known,
)


def call(m: Machine, name: str, node: ast.Call) -> Value:
    """A call of a name that the program did not define."""
    if name == "embedding_similarity":
        return _similarity(m, node)
    handler = _BUILTINS.get(name)
    if handler is None:
        code = "E0308" if name == "random" else "E0305"
        raise m.stop(f"the function {name!r}", node, code)
    if any(isinstance(a, ast.Starred) for a in node.args):
        raise m.stop(f"{name!r} with unpacked arguments", node, "E0303")
    arguments.check(m, name, node)
    m.any_order = node.args[0] if name in _ANY_ORDER and not node.keywords and node.args else None
    return handler(m, node)


_ANY_ORDER = frozenset(("sum", "any", "all", "max", "min", "set", "frozenset", "sorted"))
"""Functions for which the order of equal elements, or of all, says nothing."""


def _similarity(m: Machine, node: ast.Call) -> Value:
    """``embedding_similarity(tokens, i, j)``: a relation of two positions that the host gives."""
    if len(node.args) != 3 or node.keywords:
        raise m.stop("embedding_similarity with these arguments", node, "E0305")
    tokens = sequence(m, evaluate(m, node.args[0]))
    if tokens is None or not is_token_list(tokens):
        raise m.stop("embedding_similarity of something else than the tokens", node, "E0305")
    places = [spread(m, lambda v: v, evaluate(m, a)) for a in node.args[1:]]
    terms: list[Term] = []
    for p in places:
        if not (isinstance(p, Scalar) and p.term.kind == "int"):
            raise m.stop("embedding_similarity at something else than positions", node, "E0305")
        inside = T.conj((T.compare(">=", p.term, T.ZERO), T.compare("<", p.term, T.N)))
        if not m.holds(inside):
            raise m.stop("embedding_similarity at positions that may lie outside", node, "E0305")
        terms.append(p.term)
    return Scalar(T.mk("host", "embedding_similarity", tuple(terms), "float"), None)


def is_token_list(seq: Seq) -> bool:
    """True for all tokens of the text, in order."""
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        return False
    p = seq.parts[0]
    (b,) = p.binders
    whole = b.low is T.ZERO and b.high is T.N and p.condition is T.TRUE and not b.descending
    return whole and p.element == Scalar(T.feature(b.var, "raw", "str"))


# ---------------------------------------------------------------- numbers


def _number(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 1 or node.keywords:
            raise m.stop(f"{name!r} with these arguments", node, "E0305")
        if name == "str" and isinstance(node.args[0], ast.Attribute) and node.args[0].attr == "morph":
            return spread(m, lambda w: _morph(m, w), evaluate(m, node.args[0].value))
        return spread(m, lambda v: _converted(m, name, v), evaluate(m, node.args[0]))

    return handler


def _number_written(m: Machine, text: str) -> Scalar:
    """``float("-inf")``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise m.stop("'float' of this text", code="E0302")
    return Scalar(T.const(value))


def _morph(m: Machine, word: Value) -> Value:
    """``str(word.morph)``."""
    if not isinstance(word, Word):
        raise m.stop("the morphology of this object", code="E0302")
    return Scalar(T.feature(word.term, "morph", "str"))


def _converted(m: Machine, name: str, v: Value) -> Value:
    if name == "bool":
        return Scalar(truth(m, v))
    if name == "abs" and (arrays.is_array(v) or (isinstance(v, Scalar) and v.numpy)):
        return numpy_._function(m, "abs", v)
    if name == "str" and isinstance(v, Scalar) and v.term.kind == "str":
        return v
    if name == "float" and isinstance(v, Scalar) and v.term.kind == "str" and T.is_const(v.term):
        return _number_written(m, v.term.data)
    if not isinstance(v, Scalar) or v.term.kind == "str":
        raise m.stop(f"{name!r} of this object", code="E0302")
    if name in ("abs", "round") and v.term.kind == "bool" and v.numpy is not False:
        raise m.stop(f"{name!r} of a truth value of numpy", code="E0302")
    t = T.as_number(v.term)
    if name == "abs":
        return Scalar(_absolute(m, t), v.numpy)
    if name == "float":
        return Scalar(t if t.kind == "float" else T.const(float(t.data)) if T.is_const(t) else T.mul(t, T.const(1.0)))
    if name in ("int", "round"):
        if t.kind == "int":
            return Scalar(t)
        if T.is_const(t) and not math.isfinite(t.data):
            raise m.stop(f"{name!r} of this object", code="E0302")
        if T.is_const(t):
            return known(int(t.data) if name == "int" else round(t.data))
        return Scalar(T.func("trunc" if name == "int" else "round", (t,), "int"))
    raise m.stop(f"{name!r} of this object", code="E0302")


def _absolute(m: Machine, t: Term) -> Term:
    if T.is_const(t):
        return T.const(abs(t.data))
    if t.kind == "int" and m.holds(T.compare(">=", t, T.ZERO)):
        return t
    if t.kind == "int" and m.holds(T.compare("<=", t, T.ZERO)):
        return T.neg(t)
    return T.func("abs", (t,), t.kind)


def _stored(m: Machine, node: ast.Call) -> Value:
    """What a list or array makes of a value that is assigned to an item; see ``recurrences``."""
    base, value = (spread(m, lambda v: v, evaluate(m, a)) for a in node.args)
    if isinstance(base, RowRef) and isinstance(value, Scalar) and value.term.kind != "str":
        return Scalar(as_float(T.as_number(value.term)), True)
    held = m.state.heap[base.key] if isinstance(base, Ref) else None
    return tables.item(m, value, held.array) if isinstance(held, DictValue | Growing) else value


def _there(m: Machine, node: ast.Call) -> Value:
    """The item of a list that may be empty; see ``stacks``."""
    value = evaluate(m, node.args[0])
    m.require(T.not_(_none_where(value)), node, "IndexError")
    found = _without_none(value)
    if found is None:
        raise m.stop("an item of a list that is empty", node, "E0313")
    return found


def _none_where(value: Value) -> Term:
    if isinstance(value, Choice):
        return T.ite(value.condition, _none_where(value.then), _none_where(value.other))
    return T.const(isinstance(value, NoneValue))


def _without_none(value: Value) -> Value | None:
    """The value where it is not None."""
    if not isinstance(value, Choice):
        return None if isinstance(value, NoneValue) else value
    then, other = _without_none(value.then), _without_none(value.other)
    if then is None or other is None:
        return then or other
    return merge_values(value.condition, then, other)


def _own(v: Scalar) -> bool:
    """The whole number or truth value is one of Python's: numpy's, as of ``np.argmax``, are no ``int``."""
    return v.numpy is False and not any(t.op == "agg" and t.data not in _FOUND for t in T.walk(v.term))


_FOUND = ("any", "all", "first", "last", "nth")
"""Searches of Python's; what numpy finds and counts looks the same otherwise."""


def _isinstance(m: Machine, node: ast.Call) -> Value:
    value, kind = evaluate(m, node.args[0]), ast.unparse(node.args[1])
    if isinstance(value, Scalar) and kind in ("str", "int", "float", "bool"):
        matches = {"str": ("str",), "int": ("int", "bool"), "float": ("float",), "bool": ("bool",)}
        same = value.term.kind in matches[kind]
        if value.term.kind in ("str", "int", "float", "bool") and (not same or kind in ("str", "float") or _own(value)):
            return known(same)
    raise m.stop("isinstance", node, "E0305")


_BUILTINS: dict[str, Callable[[Machine, ast.Call], Value]] = {
    "len": _len,
    "range": range_of,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "sorted": _sorted,
    "list": _list,
    "set": _set,
    "frozenset": _set,
    "tuple": _tuple,
    "dict": _dict,
    "int": _number("int"),
    "float": _number("float"),
    "abs": _number("abs"),
    "round": _number("round"),
    "bool": _number("bool"),
    "str": _number("str"),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "sum": _sum,
    "next": _next,
    "any": _quantifier(True),
    "all": _quantifier(False),
    "isinstance": _isinstance,
    STORED: _stored,
    ITEM: _there,
    "map": mapped,
    "filter": filtered,
    PAIRS: in_pairs,
    **row_calls.CALLS,
}

for _kind in (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp):
    register(_kind, _comprehension)
__all__ = ["NoneValue", "call", "iterable", "range_value"]
