"""IR as readable text, for ``attndsl compile --show ir`` and for looking at what a pass did."""

from __future__ import annotations

from attndsl.compiler.ir import IRProgram, Op, reachable


def dump(program: IRProgram) -> str:
    """One line per operation, arguments first, numbered from 0 within the program; then checks and the result."""
    ops = list(reachable(program.roots()))
    number = {op.id: index for index, op in enumerate(ops)}

    def line(op: Op) -> str:
        args = ", ".join(f"%{number[arg.id]}" for arg in op.args)
        attr = f"[{_attribute(op)}]" if op.attr is not None else ""
        return f"%{number[op.id]} = {op.name}{attr}({args}) : {op.dtype}<{' '.join(op.axes)}>"

    lines = [f"program {program.name!r}" + (" causal" if program.causal else "")]
    lines += ["  " + line(op) for op in ops]
    lines += [f"  fails {check.code} where %{number[check.fails.id]}: {check.what}" for check in program.checks]
    lines.append(f"  result %{number[program.result.id]}")
    return "\n".join(lines) + "\n"


def _attribute(op: Op) -> str:
    if op.name == "map_text":
        name, constants = op.attr
        shown = [sorted(c) if isinstance(c, frozenset) else c for c in constants]
        return ", ".join([name, *(repr(c) for c in shown)])
    if op.name == "rename":
        return f"{op.attr[0]} -> {op.attr[1]}"
    return str(op.attr) if isinstance(op.attr, str) and op.name != "text" else _shown(op.attr)


def _shown(value: object) -> str:
    """``repr``, with sets in order: their own order differs from run to run."""
    if isinstance(value, frozenset):
        return f"{{{', '.join(map(_shown, sorted(value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    return repr(value)
