"""Elements of a list, each with the one that follows it: ``zip(ends, ends[1:])``, and a loop with ``x[k], x[k + 1]``.

The element that follows is the first later one of the same place where the list is built, or the first of the next.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uses import appended, is_name, is_plain, loads, placed
from attndsl.dsl.pyimport.lift.values import Binder, DictValue, Part, Ref, Seq, TupleValue, Value

PAIRS = "neighbours in"
"""A function of a list: its elements in pairs."""


def in_pairs(m: Machine, node: ast.Call) -> Value:
    """The pairs of a list's elements with those that follow."""
    seq = _list(m, evaluate(m, node.args[0]))
    if seq is None:
        raise m.stop("neighbours of something else than elements of a list", node, "E0313")
    return paired(m, seq, None)


def of_zip(m: Machine, node: ast.Call) -> Value | None:
    """What ``zip(x, x[1:])`` gives, in any of its spellings; None of other calls."""
    match node.args:
        case [ast.Name(id=a), ast.Subscript(value=ast.Name(id=b), slice=cut)] if a == b:
            return _zipped(m, node, a) if ast.unparse(cut) == "1:" else None
        case [ast.Subscript(value=ast.Name(id=a), slice=first), ast.Subscript(value=ast.Name(id=b), slice=cut)]:
            same = a == b and (ast.unparse(first), ast.unparse(cut)) == (":-1", "1:")
            return _zipped(m, node, a) if same else None
        case [ast.Name(id=a), ast.BinOp(ast.Subscript(value=ast.Name(id=b), slice=cut), ast.Add(), ast.List([last]))]:
            return _zipped(m, node, a, last) if a == b and ast.unparse(cut) == "1:" else None
    return None


def _zipped(m: Machine, node: ast.Call, name: str, last: ast.expr | None = None) -> Value | None:
    seq = _list(m, evaluate(m, placed(ast.Name(name, ast.Load()), node)))
    if seq is None or node.keywords:
        return None
    return paired(m, seq, None if last is None else evaluate(m, last))


def _list(m: Machine, value: Value) -> Seq | None:
    """The list, if it is one whose elements come in the order of the text, place by place."""
    held = m.contents(value) if isinstance(value, Ref) else value
    seq = None if isinstance(held, DictValue) and held.length is None else sequence(m, value)
    if seq is None or seq.is_set or seq.once:
        return None
    return seq if all(_is_ordered(p) for p in seq.parts) else None


def _is_ordered(p: Part) -> bool:
    return not p.binders or (len(p.binders) == 1 and not p.binders[0].mixed and not p.binders[0].climbs)


def paired(m: Machine, seq: Seq, last: Value | None) -> Seq:
    """Each element with the one that follows; the last one with ``last``, or left out."""
    found: list[Part] = []
    after: tuple[Term, Value] | None = None if last is None else (T.TRUE, last)
    for original in reversed(seq.parts):
        p = instantiate(original)
        own = _later(p) if p.binders else None
        follows = _either(own, after)
        if follows is not None:
            there, value = follows
            found.append(Part(p.binders, T.conj((p.condition, there)), TupleValue((p.element, value))))
        some = C.exists(p.binders, p.condition)
        after = _either((some, C.end_value(instantiate(original), last=False)), after)
    return Seq(tuple(reversed(found)), once=True)


def _either(a: tuple[Term, Value] | None, b: tuple[Term, Value] | None) -> tuple[Term, Value] | None:
    """The first value where there is one, else the second."""
    if a is None or b is None:
        return a or b
    return T.disj((a[0], b[0])), merge_values(a[0], a[1], b[1])


def _later(p: Part) -> tuple[Term, Value]:
    """Whether another element of the part comes after the one at its binder's value, and that element."""
    (b,) = p.binders
    y = T.fresh(b.var.kind)
    where = T.subst(p.condition, {b.var: y})
    if b.over_words:
        op = "<" if b.descending else ">"
        where = T.conj((T.mk("cmp", op, (T.windex(y), T.windex(b.var)), "bool"), where))
        bounds = Binder(y, T.NONE, T.NONE, b.domain)
    else:
        low, high = (b.low, b.var) if b.descending else (T.add(b.var, T.ONE), b.high)
        bounds = Binder(y, low, high)
    at = T.agg("last" if b.descending else "first", y, b.domain, bounds.low, bounds.high, where)
    if where is T.TRUE:
        at = T.sub(b.var, T.ONE) if b.descending else T.add(b.var, T.ONE)
    return C.exists((bounds,), where), subst_value(p.element, {b.var: at})


# ---------------------------------------------------------------- loops that count through a list


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with ``for k in range(len(x) - 1): ... x[k], x[k + 1]`` put as walks through pairs."""
    # A copy costs more than all questions: programs share helpers that have no such loop.
    return _with_pairs(function) if any(map(_counted, pytree.walk(function))) else function


def _with_pairs(function: ast.FunctionDef) -> ast.FunctionDef:
    changed = copy.deepcopy(function)
    done = [_put(changed, x) for x in pytree.walk(changed) if _counted(x)]
    return changed if any(done) else function


def _counted(x: ast.AST) -> tuple[str, str] | None:
    """The counter k and the list x of ``for k in range(len(x) - 1)``."""
    if not isinstance(x, ast.For | ast.comprehension) or not isinstance(x.target, ast.Name):
        return None
    match x.iter:
        case ast.Call(
            func=ast.Name(id="range"),
            args=[ast.BinOp(ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]), ast.Sub(), ast.Constant(1))],
            keywords=[],
        ):
            return x.target.id, name
    return None


def _put(function: ast.FunctionDef, loop: ast.AST) -> bool:
    """Put the loop so, if its list stays as it is meanwhile."""
    found = _counted(loop)
    holder = loop if isinstance(loop, ast.For) else _around(function, loop)
    if found is None or holder is None:
        return False
    counter, name = found
    fills = [x for x in pytree.walk(function) if isinstance(x, ast.stmt) and appended(x, name) is not None]
    reads = loads(function, name, fills)
    inside = holder.body if isinstance(holder, ast.For) else [holder]
    parts = [x for x in pytree.walk(*inside) if is_name(x, name) or (is_name(x, counter) and _is_bound(x))]
    own = [x for x in pytree.walk(*inside) if _place(x, counter, name) is not None]
    extra = 0 if isinstance(holder, ast.For) else 2  # a comprehension binds its counter and asks for the length itself
    if reads is None or not all(map(is_plain, reads)) or not own or len(parts) != len(own) + extra:
        return False
    this, following = f"item of {name}", f"next item of {name}"
    for block in inside:
        _Items(counter, name, this, following).visit(block)
    pair = ast.Tuple([ast.Name(this, ast.Store()), ast.Name(following, ast.Store())], ast.Store())
    target = ast.Tuple([ast.Name(counter, ast.Store()), pair], ast.Store())
    pairs = ast.Call(ast.Name(PAIRS, ast.Load()), [ast.Name(name, ast.Load())], [])
    assert isinstance(loop, ast.For | ast.comprehension)
    loop.iter, loop.target = (
        placed(ast.Call(ast.Name("enumerate", ast.Load()), [pairs], []), loop.iter),
        placed(target, loop.iter),
    )
    return True


def _is_bound(x: ast.AST) -> bool:
    return not isinstance(getattr(x, "ctx", None), ast.Load)


def _around(function: ast.FunctionDef, loop: ast.AST) -> ast.expr | None:
    """The comprehension to which this loop alone belongs."""
    kinds = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
    return next((x for x in pytree.walk(function) if isinstance(x, kinds) and x.generators == [loop]), None)


def _place(x: ast.AST, counter: str, name: str) -> int | None:
    """0 for ``x[k]``, 1 for ``x[k + 1]``."""
    if not (isinstance(x, ast.Subscript) and isinstance(x.ctx, ast.Load) and is_name(x.value, name)):
        return None
    return {counter: 0, f"{counter} + 1": 1}.get(ast.unparse(x.slice))


class _Items(ast.NodeTransformer):
    """The two items under their names."""

    def __init__(self, counter: str, name: str, *items: str) -> None:
        self.counter, self.name, self.items = counter, name, items

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        at = _place(node, self.counter, self.name)
        return self.generic_visit(node) if at is None else placed(ast.Name(self.items[at], ast.Load()), node)
