"""The content address of a program: what it computes decides, its name, claim and comments do not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from attndsl.dsl import nodes as N
from attndsl.dsl.printer import to_text
from attndsl.runtime.program import Program

LENGTH = 24


def address_of(program: Program) -> str:
    """A hash of the canonical text without name, claims and comments; of the Python source and the function's name
    where there is no such text."""
    if program.typed is None:
        content = f"python\0{program.name}\0{program.source or ''}"
    else:
        content = to_text(_bare(program.typed.program))
    kind = "causal" if program.causal else "bidirectional"
    return hashlib.sha256(f"{kind}\0{content}".encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def _bare(program: N.Program) -> N.Program:
    kept = (item for item in program.items if not isinstance(item, N.Claim | N.CheckedClaim))
    items = tuple(replace(item, comments=(), trailing="") for item in kept)
    return replace(program, name="", items=items, comments=(), trailing="", closing_comments=())
