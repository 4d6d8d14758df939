"""What is legal IR, as a list of rules. Run between passes in tests, and by ``optimize(..., verified=True)``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attndsl.compiler import ir
from attndsl.compiler.ir import IRProgram, Op, ordered, reachable

_ARITY = {
    **dict.fromkeys(ir.LEAVES, 0),
    **dict.fromkeys(ir.ARITHMETIC, 2), "neg": 1,
    **dict.fromkeys(ir.FUNCTIONS, 1),
    **dict.fromkeys(ir.COMPARISONS, 2),
    "and": 2, "or": 2, "not": 1, "float": 1, "select": 3, "gather": 2, "rename": 1, "rank": 1,
    **dict.fromkeys(ir.REDUCTIONS, 1),
}  # fmt: skip


def _arity(op: Op) -> str | None:
    if op.name == "map_text":
        return None if len(op.args) in (1, 2) else "map_text takes one or two texts"
    wanted = _ARITY.get(op.name)
    if wanted is None:
        return f"no operation is called {op.name}"
    return None if len(op.args) == wanted else f"{op.name} takes {wanted} arguments, not {len(op.args)}"


def _types(op: Op) -> str | None:
    kinds = "".join(arg.dtype for arg in op.args)
    numbers = set(ir.ARITHMETIC) | set(ir.FUNCTIONS)
    if op.name in numbers and set(kinds) - {"f"}:
        return f"{op.name} computes with numbers, not {kinds}"
    if op.name in ("and", "or", "not", "any", "first", "last", "rank", "float") and set(kinds) - {"b"}:
        return f"{op.name} takes truth values, not {kinds}"
    if op.name == "map_text" and set(kinds) - {"s"}:
        return f"map_text takes texts, not {kinds}"
    if op.name in ("lt", "le") and kinds != "ff":
        return f"{op.name} compares numbers, not {kinds}"
    if op.name == "eq" and kinds not in ("ff", "ss"):
        return f"eq compares like with like, not {kinds}"
    if op.name == "select" and (kinds[0] != "b" or kinds[1] != kinds[2] or op.dtype != kinds[1]):
        return f"select takes a condition and two values of one kind, not {kinds}"
    return None


def _axes(op: Op) -> str | None:
    if op.axes != ordered(op.axes):
        return f"axes {op.axes} are not in order"
    if op.name in ir.REDUCTIONS:
        wanted = tuple(axis for axis in op.args[0].axes if axis != op.attr)
        if op.attr not in op.args[0].axes:
            return f"{op.name} folds {op.attr}, which its argument does not have"
    elif op.name == "gather":
        wanted = ordered([a for a in op.args[0].axes if a != op.attr] + list(op.args[1].axes))
    elif op.name == "rename":
        old, new = op.attr
        wanted = ordered(new if axis == old else axis for axis in op.args[0].axes)
    elif op.name in ir.LEAVES:
        return None
    else:
        wanted = ordered(axis for arg in op.args for axis in arg.axes)
    return None if op.axes == wanted else f"{op.name} has axes {op.axes}, its arguments give {wanted}"


RULES: tuple[Callable[[Op], str | None], ...] = (_arity, _types, _axes)


def problems(program: IRProgram) -> list[str]:
    """Every way in which a program's IR is not legal."""
    found = [
        f"{op!r}: {problem}"
        for op in reachable(program.roots())
        for problem in (rule(op) for rule in RULES)
        if problem is not None
    ]
    if program.result.dtype != "f" or set(program.result.axes) - {"q", "k"}:
        found.append(f"the result is {program.result.dtype} over {program.result.axes}, not a matrix [q, k]")
    found += [f"check {c.code} is not a condition" for c in program.checks if c.fails.dtype != "b"]
    return found


def verify(programs: Iterable[IRProgram]) -> None:
    """Raise AssertionError, our bug, when the IR of a program is not legal."""
    for program in programs:
        found = problems(program)
        assert not found, f"illegal IR in {program.name!r}: " + "; ".join(found[:5])
