"""Methods of texts, lists, sets, dicts, words, arrays, and of the tokenizer."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from attndsl.dsl.pyimport.lift import (
    arrays,
    constants,
    dicts,
    encoding,
    gathered,
    letters,
    lists,
    matching,
    numpy_,
    tables,
    texts,
    walks,
)
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, sort_of, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.gathering import METHODS
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.operators import set_operation
from attndsl.dsl.pyimport.lift.slices import slice_of
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    CellRow,
    CellTable,
    DictValue,
    Grid,
    Growing,
    NoneValue,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    TupleValue,
    Value,
    Vector,
    Word,
    items_of,
    known,
    literal,
)

_SET_METHODS = {"union": "|", "intersection": "&", "difference": "-", "symmetric_difference": "^"}
_OF_LISTS = ("append", "extend", "index", "count")
_OF_SORTS: dict[str, tuple[str, ...]] = {
    "tuple": ("count", "index"), "range": ("count", "index"), "iterator": (), "view": (), "array": (),
}  # fmt: skip
_OF_SETS = ("add", "update", "discard")
_CHANGES = frozenset(
    ("append", "add", "extend", "update", "remove", "discard", "pop", "insert", "clear", "setdefault", *METHODS)
)
_PREDICATES = [
    "isalpha",
    "isdigit",
    "isalnum",
    "isupper",
    "islower",
    "istitle",
    "isspace",
    "isnumeric",
    "isdecimal",
    "isascii",
]
_TO_TEXT = ["lower", "upper", "capitalize", "title", "casefold"]
_STRIPS = ["strip", "lstrip", "rstrip"]


def call(m: Machine, base: Value, name: str, node: ast.Call) -> Value:
    return spread(m, lambda b: _call(m, b, name, node), base)


def _call(m: Machine, base: Value, name: str, node: ast.Call) -> Value:
    match base:
        case Scalar(term=t) if t.kind == "str":
            return _text(m, t, name, node)
        case Opaque(name="tokenizer"):
            return _tokenizer(m, name, node)
        case Opaque(name="pattern", data=pattern) if not node.keywords:
            return matching.of_pattern(m, pattern, name, [evaluate(m, a) for a in node.args], node)
        case Seq(sort="array") if name == "tolist" and not node.args and not node.keywords:
            return _listed(m, base, node)
        case Seq() | TupleValue() if (sort := sort_of(m, base)) in _OF_SORTS and name not in _OF_SORTS[sort]:
            raise m.stop(f"the method {name!r} of a {sort}", node, "E0305")
        case Ref():
            return _container(m, base, name, node)
        case Opaque(name="letters") if name in ("intersection", "union") and len(node.args) == 1:
            other = evaluate(m, node.args[0])
            text = letters.of_text(other)
            symbol = "&" if name == "intersection" else "|"
            found = None if text is None else letters.combined(m, symbol, base, letters.set_of(text))
            if found is not None:
                return found
        case CellTable(kind="int" | "bool") | CellRow(kind="int" | "bool"):
            return numpy_.method(m, tables.as_vector(m, base), name, node)
        case Grid() | RowRef() | Vector() | Sheet() | Opaque(name="filled" | "tril" | "transposed"):
            return numpy_.method(m, base, name, node)
        case Opaque(name="encoding" | "batch" | "tensor"):
            return encoding.method(m, base, name, node)
        case Seq() | DictValue() if name in _CHANGES:
            raise m.stop("a list inside a list or dict is changed", node, "E0311")
        case Seq() | DictValue() | TupleValue():
            contents = literal(base.items) if isinstance(base, TupleValue) else base
            return _container(m, m.allocate(contents), name, node)
        case Opaque(name="builtin", data="dict") if name == "fromkeys":
            return constants.from_keys(m, node)
        case Word(term=w) if name == "nbor":
            return _neighbour(m, w, node)
        case Word(term=w) if name == "is_ancestor":
            return _is_ancestor(m, w, node)
        case Scalar(term=t, numpy=True) if name == "item" and not node.args and not node.keywords:
            return Scalar(t)  # one of Python's
        case Opaque(name="sentence" | "joined") if name in ("lower", "strip") and not node.args:
            return texts.changed(base, name)
        case Opaque(name="sentence" | "joined") if name == "count" and len(node.args) == 1:
            return texts.count(m, base, evaluate(m, node.args[0]), node)
        case Opaque(name="sentence") if name == "find":
            raise m.stop("the text itself is searched", node, "E0306")
    raise m.stop(f"the method {name!r} of this object", node, "E0305")


def _neighbour(m: Machine, w: Term, node: ast.Call) -> Value:
    step = evaluate(m, node.args[0]) if node.args else known(1)
    if len(node.args) > 1 or node.keywords or not (isinstance(step, Scalar) and step.term.kind == "int"):
        raise m.stop("nbor with these arguments", node, "E0305")
    at = T.add(T.windex(w), step.term)
    m.require(T.conj((T.compare(">=", at, T.ZERO), T.compare("<", at, WORD_COUNT))), node)
    return Word(T.wordat(at))


def _is_ancestor(m: Machine, w: Term, node: ast.Call) -> Value:
    other = evaluate(m, node.args[0]) if len(node.args) == 1 and not node.keywords else None
    if not isinstance(other, Word):
        raise m.stop("is_ancestor of this object", node, "E0305")
    return Scalar(T.mk("within", None, (w, T.feature(other.term, "ancestors", "words")), "bool"))


# ---------------------------------------------------------------- tokenizer


def _tokenizer(m: Machine, name: str, node: ast.Call) -> Value:
    if name == "convert_ids_to_tokens" and len(node.args) == 1 and not node.keywords:
        return encoding.strings(m, evaluate(m, node.args[0]), node)
    if name == "encode" and len(node.args) == 1 and evaluate(m, node.args[0]) == Opaque("sentence"):
        form = encoding.asked(m, node)
        return encoding.answer(m, form, batch=form != encoding.LIST)
    raise m.stop(f"the tokenizer's {name!r} is used in an unusual way", node, "E0306")


# ---------------------------------------------------------------- texts


def _text(m: Machine, t: Term, name: str, node: ast.Call) -> Value:
    if node.keywords:
        raise m.stop(f"{name!r} with keyword arguments", node, "E0305")
    args = [spread(m, lambda v: v, evaluate(m, a)) for a in node.args]
    pieces = constants.split(m, t, name, args, node)
    if pieces is not None:
        return pieces
    fold: Callable[..., Any] = getattr(str, name, lambda *a: None)
    if name in _PREDICATES and not args:
        return Scalar(T.text_method(t, name, (), "bool", fold))
    if name in _TO_TEXT and not args:
        return Scalar(T.text_method(t, name, (), "str", fold))
    if name in _STRIPS and len(args) <= 1:
        args = [a for a in args if not isinstance(a, NoneValue)]
        return Scalar(T.text_method(t, name, _texts(m, args), "str", fold))
    if name in ("removeprefix", "removesuffix") and len(args) == 1:
        return Scalar(T.text_method(t, name, _texts(m, args), "str", fold))
    if name == "replace" and len(args) == 2:
        return Scalar(T.text_method(t, name, _texts(m, args), "str", fold))
    if name in ("startswith", "endswith") and len(args) == 1:
        return _affix(m, t, name, args[0])
    if name == "join" and len(args) == 1 and (parts := sequence(m, args[0])) is not None:
        return constants.joined(parts, t) or texts.joined(m, t, parts)
    if name in ("find", "count") and len(args) == 1:
        return Scalar(T.text_method(t, name, _texts(m, args), "int", fold))
    raise m.stop(f"the method {name!r} of a text", node, "E0305")


def _texts(m: Machine, args: list[Value]) -> tuple[Term, ...]:
    if not all(isinstance(a, Scalar) and a.term.kind == "str" for a in args):
        raise m.stop("a text method with something else than texts", code="E0302")
    return tuple(a.term for a in args if isinstance(a, Scalar))


def _affix(m: Machine, t: Term, name: str, wanted: Value) -> Value:
    fold = getattr(str, name)
    if isinstance(wanted, Scalar):
        return Scalar(T.text_method(t, name, _texts(m, [wanted]), "bool", fold))
    if isinstance(wanted, Seq) and wanted.sort == "tuple":  # of a set, whose order is the same to this question
        wanted = TupleValue(tuple(items_of(wanted) or (wanted,)))
    if not isinstance(wanted, TupleValue):
        raise m.stop(f"{name!r} with this object", code="E0302")
    texts = _texts(m, list(wanted.items))
    if all(T.is_const(x) for x in texts) and not T.is_const(t):
        if not texts:
            return Scalar(T.FALSE)
        if len(texts) > 1:
            return Scalar(T.mk("affix", name, (t, *sorted(set(texts), key=lambda x: x.data)), "bool"))
    return Scalar(T.disj(T.text_method(t, name, (x,), "bool", fold) for x in texts))


# ---------------------------------------------------------------- lists, sets, dicts


def _container(m: Machine, ref: Ref, name: str, node: ast.Call) -> Value:
    if name == "update" and isinstance(m.state.heap.get(ref.key), DictValue):
        return constants.update(m, ref, node)
    args = [evaluate(m, a) for a in node.args]
    if name == "sort" and not args:
        lists.sort(m, ref, node)
        return NoneValue()
    if node.keywords:
        raise m.stop(f"{name!r} with keyword arguments", node, "E0305")
    if name in METHODS:
        gathered.gather(m, ref, name, *args)
        return NoneValue()
    changes = ("append", "add", "extend", "update")
    found = m.state.heap.get(ref.key) if name in changes else m.contents(ref)
    if isinstance(found, DictValue) and found.length is not None:
        if found.array:
            return numpy_.method(m, replace(tables.vector(m, found), slice_of=ref.key), name, node)
        if name in _CHANGES:
            raise m.stop("a list of a fixed length is changed by this method", node, "E0311")
        ref = m.allocate(tables.sequence(m, found))
    elif isinstance(found, DictValue):
        return _dict(m, ref, name, args, node)
    if isinstance(found, Seq) and found.sort == "array" and name == "tolist" and not args:
        return _listed(m, found, node)
    if isinstance(found, Seq) and found.sort and name not in _OF_SORTS[found.sort]:
        raise m.stop(f"the method {name!r} of a {found.sort}", node, "E0305")
    if isinstance(found, Seq | Growing) and name in (_OF_LISTS if found.is_set else _OF_SETS):
        raise m.stop(f"the method {name!r} of a {'set' if found.is_set else 'list'}", node, "E0305")
    if name in ("append", "add") and len(args) == 1:
        lists.append(m, ref, args[0])
        return NoneValue()
    if name in ("extend", "update") and len(args) == 1:
        lists.extend_with(m, ref, args[0])
        return NoneValue()
    if name in ("remove", "discard") and len(args) == 1:
        lists.remove(m, ref, args[0], name == "remove")
        return NoneValue()
    if name == "pop" and args in ([], [known(0)], [known(-1)]):
        return lists.pop(m, ref, args == [known(0)])
    if name == "index" and len(args) == 1:
        return _index(m, ref, args[0], node)
    if name == "index" and len(args) in (2, 3) and sort_of(m, ref) != "range":
        return _index_between(m, ref, args, node)
    if name == "count" and len(args) == 1:
        return _count(m, ref, args[0])
    if name == "copy" and not args:
        return m.allocate(m.contents(ref))
    if name in _SET_METHODS and len(args) == 1:
        a, b = sequence(m, ref), sequence(m, args[0])
        if a is not None and b is not None and a.is_set:
            return set_operation(m, _SET_METHODS[name], a, b)
    raise m.stop(f"the method {name!r} of a list or set", node, "E0305")


def _dict(m: Machine, ref: Ref, name: str, args: list[Value], node: ast.Call) -> Value:
    if name == "get" and len(args) in (1, 2):
        return dicts.get(m, ref, args[0], args[1] if len(args) == 2 else NoneValue())
    if name == "items" and not args:
        return dicts.items(m, ref)
    if name == "values" and not args:
        return dicts.values(m, ref)
    if name == "keys" and not args:
        dicts.counted_on(m, ref)
        return replace(dicts.key_sequence(m, _as_dict(m, ref)), sort="view", live=walks.through(ref, "key"))
    if name == "copy" and not args:
        return m.allocate(_as_dict(m, ref))
    if name == "most_common":
        return gathered.most_common(m, ref, args, node)
    raise m.stop(f"the dict method {name!r}", node, "E0305")


def _as_dict(m: Machine, ref: Ref) -> DictValue:
    found = m.contents(ref)
    assert isinstance(found, DictValue)
    return found


def _index(m: Machine, ref: Ref, item: Value, node: ast.Call) -> Value:
    """``list.index``: the first place of an equal element; ValueError when there is none."""
    seq = sequence(m, ref)
    assert seq is not None
    items = items_of(seq)
    if items is not None:
        found: Value | None = None
        m.require(C.contains(m, item, seq), node)
        for at, x in reversed(list(enumerate(items))):
            here = Scalar(T.const(at))
            found = here if found is None else Scalar(T.ite(C.equal(m, x, item), here.term, found.term))  # type: ignore[attr-defined]
        if found is None:
            raise m.stop("index of an empty list", node)
        return found
    climbs = any(b.climbs and b.descending for p in seq.parts for b in p.binders)
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1 or climbs:
        raise m.stop("'index' of a list that was built in several places", node, "E0313")
    from attndsl.dsl.pyimport.lift.merge import instantiate

    part = instantiate(seq.parts[0])
    (b,) = part.binders
    where = T.conj((part.condition, C.equal(m, part.element, item)))
    solved = C.solve_element(item, part)
    if b.mixed and solved is None:
        raise m.stop("the first of equal elements of a list in another order", node, "E0313")
    m.require(C.exists(part.binders, where) if solved is None else solved, node)
    at_term = item.term if solved is not None and isinstance(item, Scalar | Word) else None
    place = at_term or T.agg("last" if b.descending else "first", b.var, b.domain, b.low, b.high, where)
    return Scalar(T.subst(C._earlier(part), {b.var: place}))


def _index_between(m: Machine, ref: Ref, args: list[Value], node: ast.Call) -> Value:
    """``list.index(x, low, high)``: where the slice has its first equal element."""
    bounds: list[Term] = []
    for bound in args[1:]:
        whole = isinstance(bound, Scalar) and bound.term.kind == "int"
        if not (isinstance(bound, Scalar) and whole and m.holds(T.compare(">=", bound.term, T.ZERO))):
            raise m.stop("'index' between bounds that may be negative", node, "E0313")
        bounds.append(bound.term)
    seq = sequence(m, ref)
    assert seq is not None
    part = slice_of(m, seq, bounds[0], bounds[1] if len(bounds) > 1 else None)
    found = _index(m, m.allocate(part), args[0], node)
    assert isinstance(found, Scalar)
    return Scalar(T.add(bounds[0], found.term))


def _listed(m: Machine, array: Seq, node: ast.Call) -> Value:
    """A list of an array's numbers, which are Python's then."""
    parts = []
    for p in array.parts:
        if not isinstance(p.element, Scalar):
            raise m.stop("the method 'tolist' of an array", node, "E0305")
        parts.append(replace(p, element=Scalar(p.element.term, False)))
    return m.allocate(Seq(tuple(parts)))


def _count(m: Machine, ref: Ref, item: Value) -> Value:
    seq = sequence(m, ref)
    assert seq is not None
    total: Term = T.ZERO
    for p in seq.parts:
        c = T.conj((p.condition, C.equal(m, p.element, item)))
        total = T.add(total, C.part_count(Part(p.binders, c, p.element)))
    return Scalar(total)


__all__ = ["arrays", "call"]
