"""How the tokenizer is asked, and the numbers of tokens that it answers with.

A program says which tokens are the same by their numbers as well as by their strings. Two tokens of one tokenizer have
the same number where they have the same string, so a number is a term of its own kind, ``ID``, which stands for the
string in comparisons of two numbers; a program that does anything else with it is not lifted (``to_nodes``).
"""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import ID, Term
from attndsl.dsl.pyimport.lift.values import Binder, Opaque, Part, Scalar, Seq, TupleValue, Value, Vector, known

LIST, TORCH, NUMPY = "list", "pt", "np"


def asked(m: Machine, node: ast.Call) -> str:
    """What the numbers come in: ``LIST``, ``TORCH`` or ``NUMPY``. Raises NotLiftable for other options."""
    options = {k.arg: k.value.value if isinstance(k.value, ast.Constant) else ... for k in node.keywords}
    form = options.pop("return_tensors", None)
    if form not in (None, TORCH, NUMPY) or options not in ({}, {"add_special_tokens": True}):
        raise m.stop("the tokenizer is called with options", node, "E0306")
    return LIST if form is None else str(form)


def token_list() -> Seq:
    """The tokens of the text, as vocabulary strings."""
    return _every("str")


def _every(kind: str) -> Seq:
    var = T.fresh("int")
    return Seq((Part((Binder(var, T.ZERO, T.N),), T.TRUE, Scalar(T.feature(var, "raw", kind))),))


def answer(m: Machine, form: str, *, batch: bool) -> Value:
    """``input_ids``, of a text or of a batch of one."""
    if batch:
        return Opaque("batch", form)
    if form == TORCH:
        return Opaque("tensor")
    if form == NUMPY:
        return Vector(T.N, lambda k: Scalar(T.feature(k, "raw", ID), True), fixed=True)
    numbers = m.allocate(_every(ID))
    m.frozen.add(numbers.key)  # the encoding holds the same list
    return numbers


def of_encoding(m: Machine, encoding: Opaque) -> Value:
    """``encoding.input_ids`` and ``encoding["input_ids"]``; ``data``: the form, and whether it is a batch."""
    form, batch = encoding.data
    return answer(m, form, batch=batch)


def shape(m: Machine, base: Opaque) -> TupleValue:
    """``shape`` of a batch or a tensor."""
    if base.data == LIST:
        raise m.stop("the shape of a list", code="E0302")
    return TupleValue((known(1), Scalar(T.N)) if base.name == "batch" else (Scalar(T.N),))


def only(m: Machine, batch: Opaque, index: ast.expr, node: ast.AST) -> Value:
    """``batch[0]``."""
    at = evaluate(m, index) if not isinstance(index, ast.Slice | ast.Tuple) else None
    if at not in (known(0), known(-1)):
        raise m.stop("the encoding is indexed in an unusual way", node)
    return answer(m, batch.data, batch=False)


def method(m: Machine, base: Opaque, name: str, node: ast.Call) -> Value:
    """``tolist`` and ``squeeze(0)`` of a batch or a tensor, and ``tokens`` of an encoding."""
    given = [evaluate(m, a) for a in node.args]
    match base, name, given:
        case _ if node.keywords:
            pass
        case Opaque(name="encoding"), "tokens", []:
            return m.allocate(token_list())
        case Opaque(name="tensor"), "tolist", []:
            return m.allocate(_every(ID))
        case Opaque(name="batch", data="pt" | "np"), "tolist", []:
            return Opaque("batch", LIST)
        case Opaque(name="batch", data="pt" | "np" as form), "squeeze", [at] if at == known(0):
            return answer(m, form, batch=False)
    raise m.stop(f"the method {name!r} of this object", node, "E0305")


def strings(m: Machine, ids: Value, node: ast.AST) -> Value:
    """``convert_ids_to_tokens`` of a number or of several."""
    if isinstance(ids, Scalar) and ids.term.kind == ID and not ids.numpy:
        return Scalar(_string(m, ids.term, node))
    if ids == Opaque("tensor"):
        return m.allocate(token_list())
    if isinstance(ids, Vector) and ids.part is None and ids.items is None:
        var = T.fresh("int")
        element = Scalar(_string(m, ids.at(var).term, node))
        return m.allocate(Seq((Part((Binder(var, T.ZERO, ids.length),), T.TRUE, element),)))
    found = sequence(m, ids)
    if found is None or found.once or found.is_set:
        raise m.stop("the tokenizer's 'convert_ids_to_tokens' is used in an unusual way", node, "E0306")
    parts = []
    for p in found.parts:
        if not isinstance(p.element, Scalar):
            raise m.stop("the tokenizer's 'convert_ids_to_tokens' is used in an unusual way", node, "E0306")
        parts.append(Part(p.binders, p.condition, Scalar(_string(m, p.element.term, node))))
    return m.allocate(Seq(tuple(parts)))


def _string(m: Machine, number: Term, node: ast.AST) -> Term:
    if number.kind == ID and number.op == "feature":
        return T.feature(number.args[0], "raw", "str")
    if number.kind == ID and number.op == "ite":
        c, x, y = number.args
        return T.ite(c, _string(m, x, node), _string(m, y, node))
    raise m.stop("the string of a number that is computed", node, "E0306")
