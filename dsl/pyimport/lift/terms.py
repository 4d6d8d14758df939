"""All there is to terms, under one name: ``from ... import terms as T``."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift.algebra import (
    add,
    arith,
    as_number,
    compare,
    conj,
    disj,
    feature,
    func,
    glue,
    ite,
    length,
    member,
    mul,
    neg,
    not_,
    parts,
    said,
    some,
    sub,
    substring,
    text_method,
    windex,
    wordat,
)
from attndsl.dsl.pyimport.lift.binding import agg, read, rebuild, row_stat, subst, walk
from attndsl.dsl.pyimport.lift.sums import from_linear, linear
from attndsl.dsl.pyimport.lift.term import (
    ALL_WORDS,
    FALSE,
    MAX_TERMS,
    MAY_FAIL,
    NONE,
    ONE,
    READS,
    TRUE,
    ZERO,
    N,
    Term,
    TooLarge,
    allowance,
    clear,
    const,
    fresh,
    is_const,
    keep,
    made,
    mk,
    settle,
    spend,
    variable,
)

__all__ = [
    "ALL_WORDS", "FALSE", "MAX_TERMS", "MAY_FAIL", "NONE", "ONE", "READS", "TRUE", "ZERO", "N", "Term", "TooLarge",
    "add", "agg", "allowance", "arith", "as_number", "clear", "compare", "conj", "const", "disj", "feature", "fresh",
    "from_linear", "func", "glue", "is_const", "ite", "keep", "length", "linear", "made", "member", "mk", "mul",
    "neg", "not_", "parts", "read", "rebuild", "row_stat", "said", "settle", "some", "spend", "sub", "subst",
    "substring", "text_method", "variable", "walk", "windex", "wordat",
]  # fmt: skip
