"""Python's built-in functions, and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, lists, numpy_
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import (
    condition,
    doc_words,
    evaluate,
    register,
    sequence,
    spread,
    truth,
)
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Closure,
    DictValue,
    NoneValue,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Vector,
    items_of,
    known,
)

MAX_UNROLLED = 64


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
    return handler(m, node)


def _similarity(m: Machine, node: ast.Call) -> Value:
    """``embedding_similarity(tokens, i, j)``: a relation of two positions that the host gives."""
    if len(node.args) != 3 or node.keywords:
        raise m.stop("embedding_similarity with these arguments", node, "E0305")
    tokens = sequence(m, evaluate(m, node.args[0]))
    if tokens is None or not _is_token_list(tokens):
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


def _is_token_list(seq: Seq) -> bool:
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        return False
    p = seq.parts[0]
    (b,) = p.binders
    whole = b.low is T.ZERO and b.high is T.N and p.condition is T.TRUE and not b.descending
    return whole and p.element == Scalar(T.feature(b.var, "raw", "str"))


# ---------------------------------------------------------------- sizes and ranges


def _len(m: Machine, node: ast.Call) -> Value:
    return spread(m, lambda v: _length(m, v), evaluate(m, node.args[0]))


def _length(m: Machine, v: Value) -> Value:
    match v:
        case Scalar(term=t) if t.kind == "str":
            return Scalar(T.length(t))
        case Opaque(name="doc"):
            return Scalar(WORD_COUNT)
        case RowRef(length=length) | Vector(length=length):
            return Scalar(length)
        case TupleValue(items=items):
            return Scalar(T.const(len(items)))
    if arrays.is_array(v):
        return Scalar(T.N)
    seq = sequence(m, v)
    if seq is None:
        raise m.stop("the length of this object", code="E0302")
    if isinstance(v, Ref) and isinstance(m.contents(v), Seq) and len(seq.parts) == 1 and seq.parts[0].condition is T.TRUE:
        (p,) = seq.parts
        if len(p.binders) == 1 and not p.binders[0].over_words:
            length = T.sub(p.binders[0].high, p.binders[0].low)
            if m.holds(T.compare(">=", length, T.ZERO)):
                return Scalar(length)
    return Scalar(C.size(m, seq))


def integers(m: Machine, nodes: list[ast.expr]) -> list[Term]:
    """Arguments that must be whole numbers."""
    out: list[Term] = []
    for node in nodes:
        value = spread(m, lambda v: v, evaluate(m, node))
        if not (isinstance(value, Scalar) and value.term.kind == "int"):
            raise m.stop("a whole number is needed here", node, "E0302")
        out.append(value.term)
    return out


def _range(m: Machine, node: ast.Call) -> Value:
    args = integers(m, list(node.args))
    low, high = (T.ZERO, args[0]) if len(args) == 1 else (args[0], args[1])
    step = args[2] if len(args) == 3 else T.ONE
    if step is T.const(-1):
        binder = Binder(T.fresh("int"), T.add(high, T.ONE), T.add(low, T.ONE), T.NONE, True)
    elif step is T.ONE:
        binder = Binder(T.fresh("int"), low, high)
    else:
        return _stepped(m, low, high, step, node)
    return range_value(m, binder)


def range_value(m: Machine, b: Binder) -> Seq:
    """A range as a sequence: written out when its length is a small constant, else over token positions."""
    if b.low is T.ZERO and b.high is WORD_COUNT:
        w = T.fresh("word")
        return Seq((Part((Binder(w, T.NONE, T.NONE, T.ALL_WORDS, b.descending),), T.TRUE, Scalar(T.windex(w))),))
    width = T.sub(b.high, b.low)
    inside = _within_text(m, b)
    if T.is_const(width) and (T.is_const(b.low) or not inside):
        if width.data > MAX_UNROLLED:
            raise m.stop("a long range of constants", code="E0316")
        steps = [T.add(b.low, T.const(d)) for d in range(max(width.data, 0))]
        if b.descending:
            steps.reverse()
        return Seq(tuple(Part((), T.TRUE, Scalar(t)) for t in steps))
    if inside:
        return Seq((Part((b,), T.TRUE, Scalar(b.var)),))
    return _shifted(m, b)


def _within_text(m: Machine, b: Binder) -> bool:
    """All of the range lies in [0, n), unless it is empty."""
    path = (*m.state.path, T.compare("<", b.low, b.high))
    return m.prover.implies(path, T.compare(">=", b.low, T.ZERO)) and m.prover.implies(
        path, T.compare("<=", b.high, T.N)
    )


def _shifted(m: Machine, b: Binder) -> Seq:
    """A range that leaves the text at one end but is no longer than it: counted from there."""
    path = (*m.state.path, T.compare("<", b.low, b.high))
    width = T.sub(b.high, b.low)
    if not m.prover.implies(path, T.compare("<=", width, T.N)):
        raise m.stop("a range that is longer than the text", code="E0316")
    var = T.fresh("int")
    element = Scalar(T.add(b.low, var))
    return Seq((Part((Binder(var, T.ZERO, width, T.NONE, b.descending),), T.TRUE, element),))


def _stepped(m: Machine, low: Term, high: Term, step: Term, node: ast.AST) -> Value:
    if not (T.is_const(step) and step.data > 1) or not m.holds(T.compare(">=", low, T.ZERO)):
        raise m.stop("a range with this step", node, "E0316")
    b = Binder(T.fresh("int"), low, high)
    if not _within_text(m, b):
        raise m.stop("a range with a step that leaves the text", node, "E0316")
    on_grid = T.compare("==", T.arith("%", T.sub(b.var, low), step), T.ZERO)
    return Seq((Part((b,), on_grid, Scalar(b.var)),))


# ---------------------------------------------------------------- sequences


def iterable(m: Machine, value: Value) -> Seq:
    """The value as something to walk through."""
    if isinstance(value, RowRef | Vector):
        v = arrays.vector(m, value)
        b = Binder(T.fresh("int"), T.ZERO, v.length)
        return Seq((Part((b,), T.TRUE, v.at(b.var)),))
    if isinstance(value, Opaque) and value.name == "span":
        sentence = value.data[0]
        words = instantiate(doc_words().parts[0])
        where = T.compare("==", T.feature(words.binders[0].var, "sentence", "int"), sentence)
        return Seq((Part(words.binders, where, words.element),))
    seq = sequence(m, value)
    if seq is None:
        raise m.stop("a walk through this object", code="E0302")
    return seq


def _enumerate(m: Machine, node: ast.Call) -> Value:
    seq = iterable(m, evaluate(m, node.args[0]))
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
    return Seq(tuple(parts))


def _zip(m: Machine, node: ast.Call) -> Value:
    seqs = [iterable(m, evaluate(m, a)) for a in node.args]
    written = [items_of(s) for s in seqs]
    if all(w is not None for w in written):
        return Seq(tuple(Part((), T.TRUE, TupleValue(row)) for row in zip(*written, strict=False)))  # type: ignore[arg-type]
    first = seqs[0]
    if len(first.parts) != 1 or len(first.parts[0].binders) != 1 or any(s.is_set for s in seqs):
        raise m.stop("zip of these sequences", node, "E0313")
    (ranked,) = C.rank(m, first)
    assert isinstance(ranked.element, TupleValue)
    place, item = ranked.element.items
    assert isinstance(place, Scalar)
    conditions = [ranked.condition]
    items = [item]
    held = m.state.path
    facts = tuple(c for b in ranked.binders for c in b.conditions())
    m.state.path = m.state.fork(*facts, ranked.condition, T.compare(">=", place.term, T.ZERO)).path
    try:
        for s in seqs[1:]:
            size = _length(m, m.allocate(s))
            assert isinstance(size, Scalar)
            inside = T.compare("<", place.term, size.term)
            if not m.holds(inside):
                conditions.append(inside)
                m.state.path = m.state.fork(inside).path
            items.append(C.element(m, s, place.term))
    finally:
        m.state.path = held
    return Seq((Part(ranked.binders, T.conj(conditions), TupleValue(tuple(items))),))


def _reversed(m: Machine, node: ast.Call) -> Value:
    seq = iterable(m, evaluate(m, node.args[0]))
    if seq.is_set:
        raise m.stop("the order of a set", node, "E0312")
    return C.reverse(seq)


def _sorted(m: Machine, node: ast.Call) -> Value:
    options = {k.arg: k.value for k in node.keywords}
    seq = iterable(m, evaluate(m, node.args[0]))
    if seq.is_set:
        seq = Seq(C.as_positions(m, seq).parts)
    backwards = False
    if "reverse" in options:
        flag = evaluate(m, options.pop("reverse"))
        if flag not in (known(True), known(False)):
            raise m.stop("sorted with an unknown order", node, "E0313")
        backwards = flag == known(True)
    if options:
        raise m.stop("sorted by a key", node, "E0313")
    ascending = len(seq.parts) == 1 and len(seq.parts[0].binders) == 1 and _is_own_position(seq.parts[0])
    if not ascending:
        seq = Seq(C.as_positions(m, seq).parts) if seq.is_set else _sorted_positions(m, seq, node)
    if seq.parts and seq.parts[0].binders and seq.parts[0].binders[0].descending:
        seq = C.reverse(seq)
    return m.allocate(C.reverse(seq) if backwards else Seq(seq.parts))


def _sorted_positions(m: Machine, seq: Seq, node: ast.AST) -> Seq:
    items = items_of(seq)
    if items is not None and all(isinstance(i, Scalar) and T.is_const(i.term) for i in items):
        values = sorted(i.term.data for i in items if isinstance(i, Scalar))
        return Seq(tuple(Part((), T.TRUE, known(v)) for v in values))
    raise m.stop("sorted of these elements", node, "E0313")


def _is_own_position(p: Part) -> bool:
    t = p.element.term if isinstance(p.element, Scalar) else None
    return t is not None and (t is p.binders[0].var or (t.op == "windex" and t.args[0] is p.binders[0].var))


def _list(m: Machine, node: ast.Call) -> Value:
    if not node.args:
        return m.allocate(Seq(()))
    seq = iterable(m, evaluate(m, node.args[0]))
    return m.allocate(seq)


def _set(m: Machine, node: ast.Call) -> Value:
    if not node.args:
        return m.allocate(Seq((), True))
    return m.allocate(Seq(iterable(m, evaluate(m, node.args[0])).parts, True))


def _tuple(m: Machine, node: ast.Call) -> Value:
    seq = iterable(m, evaluate(m, node.args[0])) if node.args else Seq(())
    items = items_of(seq)
    return TupleValue(tuple(items)) if items is not None else seq


def _dict(m: Machine, node: ast.Call) -> Value:
    if node.args or node.keywords:
        raise m.stop("dict with arguments", node, "E0305")
    return m.allocate(DictValue(()))


# ---------------------------------------------------------------- numbers


def _number(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 1 or node.keywords:
            raise m.stop(f"{name!r} with these arguments", node, "E0305")
        return spread(m, lambda v: _converted(m, name, v), evaluate(m, node.args[0]))

    return handler


def _converted(m: Machine, name: str, v: Value) -> Value:
    if name == "bool":
        return Scalar(truth(m, v))
    if arrays.is_array(v) and name == "abs":
        return numpy_._function(m, "abs", v)
    if name == "str" and isinstance(v, Scalar) and v.term.kind == "str":
        return v
    if not isinstance(v, Scalar) or v.term.kind == "str":
        raise m.stop(f"{name!r} of this object", code="E0302")
    t = T.as_number(v.term)
    if name == "abs":
        return Scalar(_absolute(m, t), v.numpy)
    if name == "float":
        return Scalar(t if t.kind == "float" else T.const(float(t.data)) if T.is_const(t) else T.mul(t, T.const(1.0)))
    if name in ("int", "round"):
        if t.kind == "int":
            return Scalar(t)
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


def _extreme(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        options = {k.arg: k.value for k in node.keywords}
        if len(node.args) >= 2 and not options:
            values = [evaluate(m, a) for a in node.args]
            return spread(m, lambda *v: extreme(m, name, list(v)), *values)
        if len(node.args) != 1 or set(options) - {"default", "key"}:
            raise m.stop(f"{name!r} with these arguments", node, "E0305")
        value = evaluate(m, node.args[0])
        if isinstance(value, RowRef | Vector):
            return numpy_.fold(m, {"max": "maximum", "min": "minimum"}[name], value)
        default = evaluate(m, options["default"]) if "default" in options else None
        key = evaluate(m, options["key"]) if "key" in options else None
        return _of_sequence(m, name, iterable(m, value), default, key, node)

    return handler


def extreme(m: Machine, name: str, values: list[Value]) -> Value:
    """max or min of several numbers."""
    terms: list[Term] = []
    for v in values:
        if not isinstance(v, Scalar) or v.term.kind == "str":
            raise m.stop(f"{name!r} of these objects", code="E0302")
        terms.append(T.as_number(v.term))
    flags = {v.numpy for v in values if isinstance(v, Scalar)}
    numpy = flags.pop() if len(flags) == 1 else None
    found = terms[0]
    for t in terms[1:]:
        found = _two(m, name, found, t)
    return Scalar(found, numpy)


def _two(m: Machine, name: str, a: Term, b: Term) -> Term:
    if T.is_const(a) and T.is_const(b):
        return T.const(max(a.data, b.data) if name == "max" else min(a.data, b.data))
    kind = a.kind if a.kind == b.kind else "num"
    if kind == "int":
        if m.holds(T.compare(">=", a, b)):
            return a if name == "max" else b
        if m.holds(T.compare("<=", a, b)):
            return b if name == "max" else a
    if a.op == "func" and a.data == name:
        return T.func(name, (*a.args, b), kind)
    return T.func(name, (a, b), kind)


def _of_sequence(
    m: Machine, name: str, seq: Seq, default: Value | None, key: Value | None, node: ast.AST
) -> Value:
    items = items_of(seq)
    if items and key is None:
        return spread(m, lambda *v: extreme(m, name, list(v)), *items) if len(items) > 1 else items[0]
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        raise m.stop(f"{name!r} of a list that was built in several places", node, "E0313")
    part = instantiate(seq.parts[0])
    (b,) = part.binders
    some = C.exists(part.binders, part.condition)
    if default is None:
        m.require(some, node)
    if key is not None:
        found = _by_key(m, name, part, key, seq.is_set)
    elif isinstance(part.element, Scalar) and part.element.term.kind != "str":
        found = _folded(name, part, part.element)
    else:
        raise m.stop(f"{name!r} of these elements", node, "E0302")
    return found if default is None else merge_values(some, found, default)


def _folded(name: str, part: Part, element: Scalar) -> Value:
    (b,) = part.binders
    t = element.term
    if t is b.var or (t.op == "windex" and t.args[0] is b.var):
        kind = "last" if name == "max" else "first"
        return subst_value(element, {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, part.condition)})
    kind = "maximum" if name == "max" else "minimum"
    return Scalar(T.agg(kind, b.var, b.domain, b.low, b.high, part.condition, t), element.numpy)


def _by_key(m: Machine, name: str, part: Part, key: Value, unordered: bool) -> Value:
    (b,) = part.binders
    if b.descending or unordered or not isinstance(key, Closure) or not isinstance(key.node, ast.Lambda):
        raise m.stop(f"{name!r} by this key", code="E0313")
    parameters = [a.arg for a in key.node.args.args]
    held, path = m.lookup(parameters[0]), m.state.path
    m.state.path = m.state.fork(*b.conditions(), part.condition).path
    m.loops.append(Loop(b))
    m.assign(parameters[0], part.element)
    score = evaluate(m, key.node.body)
    m.loops.pop()
    m.state.path = path
    _restore(m, {parameters[0]: held})
    if not isinstance(score, Scalar) or score.term.kind == "str":
        raise m.stop(f"{name!r} by this key", code="E0313")
    kind = "argmax" if name == "max" else "argmin"
    return subst_value(part.element, {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, part.condition, score.term)})


def _sum(m: Machine, node: ast.Call) -> Value:
    value = evaluate(m, node.args[0])
    start: Value = evaluate(m, node.args[1]) if len(node.args) > 1 else known(0)
    if isinstance(value, RowRef | Vector):
        return numpy_.fold(m, "sum", value)
    if not isinstance(start, Scalar):
        raise m.stop("sum of these objects", node, "E0302")
    total, numpy = start.term, False
    seq = iterable(m, value)
    if seq.is_set:
        seq = C.as_positions(m, seq)
    for p in seq.parts:
        if not isinstance(p.element, Scalar) or p.element.term.kind == "str":
            raise m.stop("sum of these objects", node, "E0302")
        numpy = numpy or bool(p.element.numpy)
        total = T.add(total, _part_sum(instantiate(p)))
    return Scalar(total, True if numpy else False)


def _part_sum(p: Part) -> Term:
    assert isinstance(p.element, Scalar)
    value, where = T.as_number(p.element.term), p.condition
    if value.op == "ite" and value.args[1:] == (T.ONE, T.ZERO):
        where, value = T.conj((where, value.args[0])), T.ONE
    if value is T.ONE:
        return C.part_count(Part(p.binders, where, p.element))
    if not p.binders:
        return T.ite(where, value, T.ZERO)
    for at, b in enumerate(reversed(p.binders)):
        value = T.agg("sum", b.var, b.domain, b.low, b.high, where if at == 0 else T.TRUE, value)
    return value


def _quantifier(is_any: bool) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        before = len(m.events)
        seq = iterable(m, evaluate(m, node.args[0]))
        if len(m.events) > before:  # any() may stop before the element that fails
            raise m.stop("something in any() or all() may fail", node, "E0314")
        found: list[Term] = []
        for original in seq.parts:
            p = instantiate(original)
            held = m.state.path
            m.state.path = m.state.fork(*(c for b in p.binders for c in b.conditions()), p.condition).path
            t = truth(m, p.element)
            m.state.path = held
            found.append(C.exists(p.binders, T.conj((p.condition, t if is_any else T.not_(t)))))
        either = T.disj(found)
        return Scalar(either if is_any else T.not_(either))

    return handler


def _isinstance(m: Machine, node: ast.Call) -> Value:
    value, kind = evaluate(m, node.args[0]), ast.unparse(node.args[1])
    if isinstance(value, Scalar) and kind in ("str", "int", "float", "bool"):
        matches = {"str": ("str",), "int": ("int", "bool"), "float": ("float",), "bool": ("bool",)}
        if value.term.kind in ("str", "int", "float", "bool"):
            return known(value.term.kind in matches[kind])
    raise m.stop("isinstance", node, "E0305")


# ---------------------------------------------------------------- comprehensions


def _comprehension(m: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    names = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
    frame = m.state.frames[m.frames[-1].key]
    held = {n: frame.get(n) for n in names}
    path, depth = m.state.path, len(m.loops)
    parts: list[Part] = []
    m.assuming.append(next(m.keys))
    try:
        _generate(m, node, 0, (), [], parts)
    finally:
        m.assuming.pop()
        m.state.path = path
        del m.loops[depth:]
        _restore(m, held)
    if isinstance(node, ast.GeneratorExp):
        return Seq(tuple(parts))
    if isinstance(node, ast.DictComp):
        return m.allocate(DictValue(tuple(parts)))
    return m.allocate(Seq(tuple(parts), isinstance(node, ast.SetComp)))


def _restore(m: Machine, names: dict[str, Value | None]) -> None:
    frame = m.state.frames[m.frames[-1].key]
    for name, value in names.items():
        if value is None:
            frame.pop(name, None)
        else:
            frame[name] = value


def _generate(
    m: Machine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    level: int,
    binders: tuple[Binder, ...],
    conditions: list[Term],
    parts: list[Part],
) -> None:
    if level == len(node.generators):
        parts.append(Part(binders, T.conj(conditions), _produced(m, node)))
        return
    g = node.generators[level]
    if g.is_async:
        raise m.stop("an asynchronous comprehension", node, "E0303")
    seq = iterable(m, spread(m, lambda v: v, evaluate(m, g.iter)))
    if seq.is_set:
        seq = C.as_positions(m, seq)
        if isinstance(node, ast.ListComp):
            seq = Seq(seq.parts, False) if len(seq.parts) <= 1 else seq
    for original in seq.parts:
        p = instantiate(original)
        path, depth = m.state.path, len(m.loops)
        m.loops.extend(Loop(b) for b in p.binders)
        m.state.path = m.state.fork(*(c for b in p.binders for c in b.conditions()), p.condition).path
        bind_target(m, g.target, p.element)
        filters = [p.condition]
        for test in g.ifs:
            c = condition(m, test)
            filters.append(c)
            m.state.path = m.state.fork(c).path
        if T.FALSE not in filters:
            _generate(m, node, level + 1, binders + p.binders, conditions + filters, parts)
        m.state.path = path
        del m.loops[depth:]


def _produced(m: Machine, node: ast.expr) -> Value:
    if isinstance(node, ast.DictComp):
        key, value = evaluate(m, node.key), evaluate(m, node.value)
        return TupleValue((lists.freeze(m, key), lists.freeze(m, value)))
    return lists.freeze(m, evaluate(m, node.elt))  # type: ignore[attr-defined]


def bind_target(m: Machine, target: ast.expr, value: Value) -> None:
    """Assign a loop's or comprehension's target."""
    if isinstance(target, ast.Name):
        m.assign(target.id, value)
        return
    if isinstance(target, ast.Tuple | ast.List):
        items = value.items if isinstance(value, TupleValue) else None
        if items is None:
            seq = sequence(m, value)
            items = tuple(items_of(seq) or ()) if seq is not None else None
        if items is not None and len(items) == len(target.elts):
            for t, v in zip(target.elts, items, strict=True):
                bind_target(m, t, v)
            return
    raise m.stop("this assignment target", target, "E0303")


_BUILTINS: dict[str, Callable[[Machine, ast.Call], Value]] = {
    "len": _len,
    "range": _range,
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
    "any": _quantifier(True),
    "all": _quantifier(False),
    "isinstance": _isinstance,
}

for _kind in (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp):
    register(_kind, _comprehension)
__all__ = ["NoneValue", "call", "iterable", "range_value"]
