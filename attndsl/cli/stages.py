"""One program at one stage of the compiler, as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attndsl.compiler import IRProgram
    from attndsl.dsl.checker import TypedProgram
    from attndsl.runtime.program import Program


def stage_names() -> list[str]:
    """Every stage in the order of the compiler."""
    from attndsl.compiler.passes import PASSES

    return [*_BEFORE, "ir", *(name for name, _ in PASSES), *_AFTER]


def stage_text(program: Program, stage: str) -> str:
    """The text of a stage, ending in a line end.

    Raises DiagnosticError E0811 (no such stage), E0802 (the program never gets to that stage).
    """
    from attndsl.dsl.diagnostics import fail

    names = stage_names()
    if stage not in names:
        from difflib import get_close_matches

        near = get_close_matches(stage, names, n=1)
        advice = f"did you mean {near[0]}? " if near else ""
        raise fail("E0811", f"there is no stage {stage!r}", help=f"{advice}stages: {', '.join(names)}")
    if stage in _BEFORE:
        return _BEFORE[stage](program).rstrip("\n") + "\n"
    if stage in _AFTER:
        return _AFTER[stage](program).rstrip("\n") + "\n"
    return _passed(program, stage)


def _typed(program: Program, stage: str) -> TypedProgram:
    from attndsl.dsl.diagnostics import fail

    if program.typed is None:
        other = "--show loops or --show python" if program.bounded is not None else "attndsl check FILE says why"
        raise fail("E0802", f"{program.name!r} was {program.outcome.value}: it has no stage {stage}", help=other)
    return program.typed


def _python(program: Program) -> str:
    from attndsl.dsl.diagnostics import fail
    from attndsl.dsl.pyimport.read import read_module

    if program.source is None:
        raise fail("E0802", f"{program.name!r} did not come from Python", help="--show attn shows its text")
    module = read_module(program.source)
    node = module.functions[program.source_name]
    lines = program.source.split("\n")[node.lineno - 1 : node.end_lineno]
    return "\n".join(f"{number:5d}  {line}".rstrip() for number, line in enumerate(lines, node.lineno))


def _tree(program: Program) -> str:
    return "\n".join(_node(_typed(program, "tree").program))


def _attn(program: Program) -> str:
    _typed(program, "attn")
    return program.to_attn()


def _checked(program: Program) -> str:
    typed = _typed(program, "checked")
    lets = [f"{n}({', '.join(d.params)})" if d.params else n for n, d in typed.lets.items()]
    facts = {
        "program": program.name, "sees": "keys up to the query" if typed.causal else "all keys",
        "cost": program.cost, "reads": ", ".join(typed.reads) or "positions only",
        "parser": "needed" if typed.needs_words else "not needed", "host relations": ", ".join(typed.hosts) or "none",
        "definitions": ", ".join(lets) or "none",
    }  # fmt: skip
    warnings = [f"warning {w.code}: {w.headline}" for w in typed.warnings]
    return "\n".join([*(f"{name:<15} {value}" for name, value in facts.items()), *warnings])


def _loops(program: Program) -> str:
    from attndsl.dsl.diagnostics import fail

    if program.bounded is None:
        raise fail(
            "E0802", f"{program.name!r} was {program.outcome.value}: it is no loop program",
            help="--show tree shows its rules" if program.typed is not None else "attndsl check FILE says why",
        )  # fmt: skip
    return "\n".join(_node(program.bounded.unit))


def _passed(program: Program, stage: str) -> str:
    """The IR as it was lowered, or after the passes of one round up to a stage; legality is checked after each."""
    from attndsl.compiler.build import Builder
    from attndsl.compiler.dump import dump
    from attndsl.compiler.lower import lower
    from attndsl.compiler.passes import PASSES
    from attndsl.compiler.verify import verify

    builder = Builder()
    ir: IRProgram = lower(_typed(program, stage), builder)
    for name, pass_ in PASSES:
        if stage == "ir":
            break
        ir = pass_(ir, builder)
        verify([ir])
        if name == stage:
            break
    return dump(ir)


def _optimized(program: Program) -> str:
    from attndsl.compiler.dump import dump

    _typed(program, "optimized")
    return dump(program.ir)


def _bytecode(program: Program) -> str:
    from attndsl.compiler.emit_bytecode import emit_bytecode

    _typed(program, "bytecode")
    return str(emit_bytecode([program.ir]))


_BEFORE: dict[str, Callable[[Program], str]] = {
    "python": _python, "tree": _tree, "attn": _attn, "checked": _checked, "loops": _loops,
}  # fmt: skip


def _passes(program: Program) -> str:
    from attndsl.compiler.passes import IMPROVEMENTS

    widths = [max(len(row[column]) for row in IMPROVEMENTS) for column in (0, 1)]
    return "\n".join(f"{what:<{widths[0]}}  {where:<{widths[1]}}  {how}" for what, where, how in IMPROVEMENTS)


_AFTER: dict[str, Callable[[Program], str]] = {"optimized": _optimized, "bytecode": _bytecode, "passes": _passes}


# ---------------------------------------------------------------- trees


def _node(value: Any, name: str = "", depth: int = 0) -> list[str]:
    """A tree of dataclasses with one node or value per line; places in the file are left out."""
    start = "  " * depth + (f"{name} = " if name else "")
    if isinstance(value, tuple) and value and any(is_dataclass(v) or isinstance(v, tuple) for v in value):
        return [start + "[", *(line for v in value for line in _node(v, "", depth + 1)), "  " * depth + "]"]
    if not is_dataclass(value):
        return [f"{start}{value!r}"]
    kept = [
        f.name for f in fields(value) if f.name not in ("span", "source") and getattr(value, f.name) not in (None, ())
    ]
    inner = [getattr(value, field_name) for field_name in kept]
    if not any(is_dataclass(v) or (isinstance(v, tuple) and any(map(is_dataclass, v))) for v in inner):
        shown = ", ".join(f"{n}={v!r}" for n, v in zip(kept, inner, strict=True))
        return [f"{start}{type(value).__name__}({shown})"]
    lines = [f"{start}{type(value).__name__}"]
    for field_name, v in zip(kept, inner, strict=True):
        lines += _node(v, field_name, depth + 1)
    return lines
