"""What a repaired aligner returns, as a value: for each token the words that its true offsets overlap."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.builtins_ import is_token_list
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Choice,
    DictValue,
    NoneValue,
    Opaque,
    Part,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Word,
    known,
)


def aligned(m: Machine, aligner: Aligner, node: ast.Call) -> Value:
    """The value of a call of the aligner."""
    if node.keywords or len(node.args) != len(aligner.roles):
        raise m.stop(f"{aligner.name!r} with these arguments", node, "E0307")
    for role, arg in zip(aligner.roles, node.args, strict=True):
        if not _plays(m, role, evaluate(m, arg)):
            raise m.stop(f"{aligner.name!r} of something else than the text and its tokens", node, "E0306")
    token = T.fresh("int")
    words = T.feature(token, "words", "words")
    every = Binder(token, T.ZERO, T.N)
    condition, value = _first(aligner, words) if aligner.first else _all(aligner, words)
    if aligner.mapping:
        pair = TupleValue((Scalar(token), value))
        return m.allocate(DictValue((Part((every,), condition, pair),)))
    return m.allocate(Seq((Part((every,), T.TRUE, value),)))


def _plays(m: Machine, role: str, value: Value) -> bool:
    if role != "tokens":
        return isinstance(value, Opaque) and value.name == role
    found = sequence(m, value)
    return found is not None and is_token_list(found)


def _item(aligner: Aligner, word: Term) -> Value:
    return Scalar(T.windex(word)) if aligner.numbers else Word(word)


def _all(aligner: Aligner, words: Term) -> tuple[Term, Value]:
    var = T.fresh("word")
    value = Seq((Part((Binder(var, T.NONE, T.NONE, words),), T.TRUE, _item(aligner, var)),))
    other = T.fresh("word")
    some = T.agg("any", other, words, T.NONE, T.NONE, T.TRUE)
    return (some if aligner.missing == "absent" else T.TRUE), value


def _first(aligner: Aligner, words: Term) -> tuple[Term, Value]:
    var = T.fresh("word")
    first = T.agg("first", var, words, T.NONE, T.NONE, T.TRUE)
    value = _item(aligner, first)
    if aligner.missing == "absent":
        return T.some(first), value
    other: Value = known(-1) if aligner.missing == "minus one" else NoneValue()
    return T.TRUE, Choice(T.some(first), value, other)
