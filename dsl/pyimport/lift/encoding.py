"""How the tokenizer is asked."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift.machine import Machine


def returns_tensors(m: Machine, node: ast.Call) -> bool:
    """Whether the tokenizer is asked for a matrix of ids. Raises NotLiftable for other options."""
    options = {k.arg: k.value.value if isinstance(k.value, ast.Constant) else ... for k in node.keywords}
    asked = options.pop("return_tensors", None)
    if asked not in (None, "pt", "np") or options not in ({}, {"add_special_tokens": True}):
        raise m.stop("the tokenizer is called with options", node, "E0306")
    return asked is not None
