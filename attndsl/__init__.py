"""attndsl: attention heads as small programs you can read, test and put back into the model.

    library = attndsl.load_library(["programs.attn"])
    pattern = library["previous token"].predict("The cat sat.", tokenizer)     # float32 [query, key]
    with attndsl.replace_heads(model, tokenizer, {(5, 3): library["previous token"]}):
        ...

Everything is loaded on first use: importing attndsl costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true, and importing typing would cost more than all of this
__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import Any

    from attndsl import sandbox as sandbox
    from attndsl.dsl.diagnostics import DiagnosticError as DiagnosticError
    from attndsl.job.score import score as score
    from attndsl.models.inject import replace_heads as replace_heads
    from attndsl.models.interop import pattern_function as pattern_function
    from attndsl.models.load import load_model as load_model
    from attndsl.runtime.library import Library as Library
    from attndsl.runtime.library import builtin_library as builtin_library
    from attndsl.runtime.library import load_library as load_library
    from attndsl.runtime.program import Program as Program
    from attndsl.runtime.scoring import iou as iou
    from attndsl.runtime.scoring import jensen_shannon as jensen_shannon

_WHERE = {
    "DiagnosticError": "attndsl.dsl.diagnostics",
    "Library": "attndsl.runtime.library",
    "Program": "attndsl.runtime.program",
    "SandboxError": "attndsl.runtime.sandbox",
    "builtin_library": "attndsl.runtime.library",
    "iou": "attndsl.runtime.scoring",
    "jensen_shannon": "attndsl.runtime.scoring",
    "load_library": "attndsl.runtime.library",
    "load_model": "attndsl.models.load",
    "pattern_function": "attndsl.models.interop",
    "replace_heads": "attndsl.models.inject",
    "score": "attndsl.job.score",
}

__all__ = [*_WHERE, "sandbox"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "sandbox":
        return import_module("attndsl.sandbox")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'attndsl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
