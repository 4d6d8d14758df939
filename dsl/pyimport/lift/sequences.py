"""Sequences made from sequences."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import arrays, ordering, spans, walks
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, spread, unpacked
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.iterators import is_iterator
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.ranges import integers
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uniting import united
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    CellTable,
    Chosen,
    Grid,
    NoneValue,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Span,
    TupleValue,
    Value,
    Vector,
    items_of,
    known,
)

# ---------------------------------------------------------------- sizes


def _len(m: Machine, node: ast.Call) -> Value:
    return spread(m, lambda v: _length(m, v), evaluate(m, node.args[0]))


def _length(m: Machine, v: Value) -> Value:
    match v:
        case Scalar(term=t) if t.kind == "str":
            return Scalar(T.length(t))
        case Opaque(name="doc"):
            return Scalar(WORD_COUNT)
        case Opaque(name="letters"):
            from attndsl.dsl.pyimport.lift import letters

            return Scalar(letters.size(v))
        case Opaque(name="batch" | "tensor"):
            return Scalar(T.ONE if v.name == "batch" else T.N)
        case RowRef(length=length) | Vector(length=length):
            return Scalar(length)
        case TupleValue(items=items):
            return Scalar(T.const(len(items)))
        case Span():
            return Scalar(spans.size(v))
        case Sheet(tall=False):
            return known(1)
        case Chosen():
            raise m.stop("how many cells a mask chooses", code="E0302")
    if arrays.is_array(v) or isinstance(v, CellTable | CellRow):
        return Scalar(T.N)
    seq = sequence(m, v)
    if seq is None or seq.once:
        raise m.stop("the length of this object", code="E0302")
    if isinstance(v, Ref) and not seq.is_set and len(seq.parts) == 1 and seq.parts[0].condition is T.TRUE:
        (p,) = seq.parts
        if len(p.binders) == 1 and not p.binders[0].over_words:
            length = T.sub(p.binders[0].high, p.binders[0].low)
            if m.holds(T.compare(">=", length, T.ZERO)):
                return Scalar(length)
    return Scalar(C.size(m, seq))


# ---------------------------------------------------------------- sequences


def iterable(m: Machine, value: Value) -> Seq:
    """The value as something to walk through."""
    if isinstance(value, CellTable | CellRow):
        from attndsl.dsl.pyimport.lift import cells

        return cells.as_sequence(m, value)
    if isinstance(value, RowRef | Vector):
        v = arrays.vector(m, value)
        if v.part:
            return Seq((v.part,))
        if v.items is not None:
            return Seq(tuple(Part((), T.TRUE, x) for x in v.items))
        b = Binder(T.fresh("int"), T.ZERO, v.length)
        return Seq((Part((b,), T.TRUE, v.at(b.var)),))
    if isinstance(value, Grid):
        b = Binder(T.fresh("int"), T.ZERO, T.N)
        return Seq((Part((b,), T.TRUE, RowRef(arrays.current(m, value), b.var, T.N)),))
    if isinstance(value, Sheet) and value.tall and value.wide:
        b = Binder(T.fresh("int"), T.ZERO, T.N)
        row = Vector(T.N, lambda k: value.at(b.var, k), fixed=True)
        return Seq((Part((b,), T.TRUE, row),))
    seq = sequence(m, value)
    if seq is None:
        raise m.stop("a walk through this object", code="E0302")
    return Seq(seq.parts, seq.is_set) if seq.once or seq.sort else seq


def _enumerate(m: Machine, node: ast.Call) -> Value:
    value = evaluate(m, node.args[0])
    seq = iterable(m, value)
    if seq.is_set:
        raise m.stop("the order of a set", node, "E0312")
    start = T.ZERO
    for extra in [*node.args[1:], *(k.value for k in node.keywords)]:
        (start,) = integers(m, [extra])
    parts = []
    for p in C.rank(m, seq):
        assert isinstance(p.element, TupleValue)
        place, item = p.element.items
        assert isinstance(place, Scalar)
        parts.append(Part(p.binders, p.condition, TupleValue((Scalar(T.add(start, place.term)), item))))
    return walks.iterator(m, Seq(tuple(parts)), walks.inside(walks.of(m, value), 1))


def _zip(m: Machine, node: ast.Call) -> Value:
    values = [evaluate(m, a) for a in node.args]
    live = walks.together([walks.inside(walks.of(m, v), at) for at, v in enumerate(values)])
    if live.fails and len(values) > 1:  # it is asked for no more elements than the others have
        raise m.stop("zip with an iterator of which an element may fail", node, "E0314")
    found = _zipped(m, node, [iterable(m, v) for v in values])
    return walks.iterator(m, found, live) if isinstance(found, Seq) else found


def _zipped(m: Machine, node: ast.Call, seqs: list[Seq]) -> Value:
    if any(s.is_set and len(s.parts) > 1 for s in seqs):
        raise m.stop("the order of a set", node, "E0312")
    if any(evaluate(m, k.value) != known(False) for k in node.keywords):
        sizes = [_length(m, m.allocate(replace(s, once=False))) for s in seqs]
        terms = [x.term for x in sizes if isinstance(x, Scalar)]
        if len(terms) != len(sizes) or not all(m.holds(T.compare("==", t, terms[0])) for t in terms):
            raise m.stop("zip of sequences whose lengths may differ", node, "E0313")
    written = [w for w in (items_of(s) for s in seqs) if w is not None]
    if len(written) == len(seqs):
        return Seq(tuple(Part((), T.TRUE, TupleValue(row)) for row in zip(*written, strict=False)), once=True)
    if written and items_of(seqs[0]) is not None and not any(s.is_set for s in seqs):
        return _zip_of_written(m, seqs, min(map(len, written)))
    first = united(m, seqs[0])
    if len(first.parts) != 1 or len(first.parts[0].binders) != 1 or any(s.is_set for s in seqs):
        from attndsl.dsl.pyimport.lift.neighbours import of_zip

        neighbours = of_zip(m, node)
        if neighbours is not None:
            return neighbours
        raise m.stop("zip of these sequences", node, "E0313")
    (ranked,) = C.rank(m, first)
    assert isinstance(ranked.element, TupleValue)
    place, item = ranked.element.items
    assert isinstance(place, Scalar)
    conditions = [ranked.condition]
    items = [item]
    held = m.state.path
    facts = tuple(c for b in ranked.binders for c in b.conditions())
    m.state.path = m.state.along(*facts, ranked.condition, T.compare(">=", place.term, T.ZERO))
    try:
        for s in seqs[1:]:
            size = _length(m, m.allocate(replace(s, once=False)))
            assert isinstance(size, Scalar)
            inside = T.compare("<", place.term, size.term)
            if not m.holds(inside):
                conditions.append(inside)
                m.state.path = m.state.along(inside)
            items.append(C.element(m, s, place.term))
    finally:
        m.state.path = held
    return Seq((Part(ranked.binders, T.conj(conditions), TupleValue(tuple(items))),), once=True)


def _zip_of_written(m: Machine, seqs: list[Seq], most: int) -> Seq:
    """``zip((0.3, 0.2, 0.1), reversed(found))``: each pair where the others have so many."""
    found = []
    held = m.state.path
    try:
        for place in range(most):
            inside: list[Term] = []
            for s in seqs:
                if items_of(s) is None:
                    size = _length(m, m.allocate(replace(s, once=False)))
                    assert isinstance(size, Scalar)
                    inside.append(T.compare("<", T.const(place), size.term))
            m.state.path = m.state.along(*inside)
            row = tuple(C.element(m, s, T.const(place)) for s in seqs)
            found.append(Part((), T.conj(inside), TupleValue(row)))
    finally:
        m.state.path = held
    return Seq(tuple(found), once=True)


def _reversed(m: Machine, node: ast.Call) -> Value:
    value = evaluate(m, node.args[0])
    if is_iterator(value):
        raise m.stop("'reversed' of an iterator", node, "E0302")
    seq = iterable(m, value)
    if seq.is_set:
        raise m.stop("the order of a set", node, "E0312")
    return walks.iterator(m, ordering.reverse(seq), walks.out_of_step(walks.of(m, value)))


def _sorted(m: Machine, node: ast.Call) -> Value:
    options = {k.arg: k.value for k in node.keywords}
    value = evaluate(m, node.args[0])
    seq = iterable(m, value)
    if seq.is_set:
        seq = Seq(C.as_positions(m, seq).parts)
    backwards = False
    if "reverse" in options:
        flag = evaluate(m, options.pop("reverse"))
        if flag not in (known(True), known(False)):
            raise m.stop("sorted with an unknown order", node, "E0313")
        backwards = flag == known(True)
    key = ordering.key_of(value, evaluate(m, options.pop("key"))) if "key" in options else NoneValue()
    return m.allocate(sort(m, seq, key, backwards, node))


def sort(m: Machine, seq: Seq, key: Value, backwards: bool, node: ast.AST) -> Seq:
    """The elements in order."""
    seq = united(m, seq)
    if key != NoneValue():
        return ordering.by_key(m, seq, key, backwards)
    ascending = len(seq.parts) == 1 and len(seq.parts[0].binders) == 1 and _is_own_position(seq.parts[0])
    if ascending:
        seq = Seq(tuple(replace(p, binders=(replace(p.binders[0], mixed=False, keys=()),)) for p in seq.parts))
    elif seq.is_set:
        seq = Seq(C.as_positions(m, seq).parts)
    elif items_of(seq) is not None or len(seq.parts) != 1:
        seq = _sorted_positions(m, seq, node)
    else:
        return ordering.by_key(m, seq, key, backwards)
    if seq.parts and seq.parts[0].binders and seq.parts[0].binders[0].descending:
        seq = ordering.reverse(seq)
    return ordering.reverse(seq) if backwards else Seq(seq.parts)


def _sorted_positions(m: Machine, seq: Seq, node: ast.AST) -> Seq:
    items = items_of(seq)
    kinds = {i.term.kind == "str" if isinstance(i, Scalar) and T.is_const(i.term) else None for i in items or ()}
    if items is not None and kinds in (set(), {True}, {False}):
        values = sorted(i.term.data for i in items if isinstance(i, Scalar))
        return Seq(tuple(Part((), T.TRUE, known(v)) for v in values))
    raise m.stop("sorted of these elements", node, "E0313")


def _is_own_position(p: Part) -> bool:
    t = p.element.term if isinstance(p.element, Scalar) else None
    return t is not None and (t is p.binders[0].var or (t.op == "windex" and t.args[0] is p.binders[0].var))


def _list(m: Machine, node: ast.Call) -> Value:
    if not node.args:
        return m.allocate(Seq(()))
    return m.allocate(iterable(m, evaluate(m, _written_out(node.args[0]))))


def _written_out(node: ast.expr) -> ast.expr:
    """A generator as the list it fills: there the order counts."""
    return (
        ast.copy_location(ast.ListComp(node.elt, node.generators), node) if isinstance(node, ast.GeneratorExp) else node
    )


def _set(m: Machine, node: ast.Call) -> Value:
    if not node.args:
        return m.allocate(Seq((), True))
    from attndsl.dsl.pyimport.lift import letters

    value = spread(m, lambda v: v, evaluate(m, node.args[0]))
    text = letters.of_text(value)
    if text is not None:
        return letters.set_of(text)
    from attndsl.dsl.pyimport.lift.lists import hashed

    parts = iterable(m, value).parts
    for p in parts:
        hashed(m, p.element)
    return m.allocate(Seq(parts, True))


def _tuple(m: Machine, node: ast.Call) -> Value:
    seq = iterable(m, evaluate(m, _written_out(node.args[0]))) if node.args else Seq(())
    items = items_of(seq)
    if items is None or seq.is_set:
        return replace(seq, sort="tuple")
    return TupleValue(tuple(items))


def _dict(m: Machine, node: ast.Call) -> Value:
    from attndsl.dsl.pyimport.lift import constants

    return constants.made(m, node)


def bind_target(m: Machine, target: ast.expr, value: Value) -> None:
    """Assign a loop's or comprehension's target."""
    if isinstance(target, ast.Name):
        m.assign(target.id, value)
        return
    if isinstance(target, ast.Tuple | ast.List):
        value = unpacked(m, value, target)
        items = value.items if isinstance(value, TupleValue) else None
        if items is None:
            seq = sequence(m, value)
            items = tuple(items_of(seq) or ()) if seq is not None and not seq.is_set else None
        if items is not None and len(items) == len(target.elts):
            for t, v in zip(target.elts, items, strict=True):
                bind_target(m, t, v)
            return
    raise m.stop("this assignment target", target, "E0303")
