"""The machine itself: one compiled function that runs any bytecode on one text, in blocks of query rows."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import njit

from attndsl.compiler.bytecode import (
    LOOPS,
    ONCE,
    OPCODE,
    OPERANDS,
    PER_BLOCK,
    START_DISTANCE,
    START_DISTANCE_OF_QUERY,
    START_IN_BLOCK,
    START_QUERY,
    START_SIZE,
)
from attndsl.runtime.machine import loops as L
from attndsl.runtime.machine import reductions as R
from attndsl.runtime.machine.results import PACKED_INT16, PATTERN, RAW, pattern_row, raw_row
from attndsl.runtime.packing import pack_row_float, pack_row_int16

WIDTH = LOOPS + OPERANDS * (LOOPS + 1)
"""Numbers of one shape: how often each loop runs; for each operand its start and its step in each loop."""

OUT, A, B, C = (LOOPS + (LOOPS + 1) * operand for operand in range(OPERANDS))
ADD, SUB, MUL, DIV, FLOORDIV, MOD, POW, MIN, MAX = (
    OPCODE[name] for name in ("add", "sub", "mul", "div", "floordiv", "mod", "pow", "min", "max")
)
NEG, ABS, EXP, LOG, SQRT, TANH, FLOOR, CEIL, ROUND, TRUNC = (
    OPCODE[name] for name in ("neg", "abs", "exp", "log", "sqrt", "tanh", "floor", "ceil", "round", "trunc")
)
LT, LE, EQ, AND, OR, NOT, FLOAT = (OPCODE[name] for name in ("lt", "le", "eq", "and", "or", "not", "float"))
SELECT, SELECT_B, ADD_IF, COPY, COPY_B, GATHER, GATHER_B, RANK = (
    OPCODE[name] for name in ("select", "select_b", "add_if", "copy", "copy_b", "gather", "gather_b", "rank")
)
ANY, COUNT, SUM, SUM_IF, PRODUCT, MAXIMUM, MINIMUM, FIRST, LAST, CHECK, RESULT = (
    OPCODE[name]
    for name in (
        "any", "count", "sum", "sum_if", "product", "maximum", "minimum", "first", "last", "check", "result",
    )
)  # fmt: skip


@njit(**L.OPTIONS)
def _elementwise(op, f, u, o, so, a, sa, ia, b, sb, ib, outer, inner):
    """Operations on one or two values; False for an operation of another kind."""
    if op == ADD:
        L.add(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == SUB:
        L.sub(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == MUL:
        L.mul(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == DIV:
        L.div(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == FLOORDIV:
        L.floordiv(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == MOD:
        L.mod(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == POW:
        L.power(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == MIN:
        L.smaller(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == MAX:
        L.larger(f, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == LT:
        L.less(u, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == LE:
        L.less_equal(u, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == EQ:
        L.equal(u, o, so, f, a, sa, ia, f, b, sb, ib, outer, inner)
    elif op == AND:
        L.both(u, o, so, u, a, sa, ia, u, b, sb, ib, outer, inner)
    elif op == OR:
        L.either(u, o, so, u, a, sa, ia, u, b, sb, ib, outer, inner)
    else:
        return _one_value(op, f, u, o, so, a, sa, ia, outer, inner)
    return True


@njit(**L.OPTIONS)
def _one_value(op, f, u, o, so, a, sa, ia, outer, inner):
    if op == NEG:
        L.negative(f, o, so, f, a, sa, ia, outer, inner)
    elif op == ABS:
        L.absolute(f, o, so, f, a, sa, ia, outer, inner)
    elif op == EXP:
        L.exponential(f, o, so, f, a, sa, ia, outer, inner)
    elif op == LOG:
        L.logarithm(f, o, so, f, a, sa, ia, outer, inner)
    elif op == SQRT:
        L.root(f, o, so, f, a, sa, ia, outer, inner)
    elif op == TANH:
        L.tangent(f, o, so, f, a, sa, ia, outer, inner)
    elif op == FLOOR:
        L.down(f, o, so, f, a, sa, ia, outer, inner)
    elif op == CEIL:
        L.up(f, o, so, f, a, sa, ia, outer, inner)
    elif op == ROUND:
        L.nearest(f, o, so, f, a, sa, ia, outer, inner)
    elif op == TRUNC:
        L.toward_zero(f, o, so, f, a, sa, ia, outer, inner)
    elif op == NOT:
        L.negated(u, o, so, u, a, sa, ia, outer, inner)
    elif op == FLOAT:
        L.number(f, o, so, u, a, sa, ia, outer, inner)
    else:
        return False
    return True


@njit(**L.OPTIONS)
def _reduction(op):
    if op == SUM:
        return R.SUM
    if op == COUNT:
        return R.COUNT
    if op == SUM_IF:
        return R.SUM_IF
    if op == PRODUCT:
        return R.PRODUCT
    if op == MAXIMUM:
        return R.MAXIMUM
    if op == MINIMUM:
        return R.MINIMUM
    return R.FIRST if op == FIRST else R.LAST


@njit(**L.OPTIONS)
def _fold(op, extra, f, u, o, so, io, a, sa, ia, b, sb, ib, outer, inner):
    if op == ANY:
        if extra == 0:
            R.fold_any(u, o, so, u, a, sa, ia, outer, inner)
        else:
            R.fold_rows_any(u, o, io, u, a, sa, ia, outer, inner)
        return
    kind = _reduction(op)
    x, sx, ix = (b, sb, ib) if op == SUM_IF else (a, sa, ia)  # only a sum with a condition reads both heaps
    if extra == 0:
        R.fold(kind, f, o, so, f, x, sx, ix, u, a, sa, ia, outer, inner)
    else:
        R.fold_rows(kind, f, o, io, f, x, sx, ix, u, a, sa, ia, outer, inner)


@njit(**L.OPTIONS)
def _step(op, extra, f, u, e, s, o, a, b, c):
    """One instruction on the two inner loops of its shape."""
    outer, inner = e[s + 3], e[s + 4]
    so, sa, ia = e[s + OUT + 4], e[s + A + 4], e[s + A + 5]
    sb, ib = e[s + B + 4], e[s + B + 5]
    if _elementwise(op, f, u, o, so, a, sa, ia, b, sb, ib, outer, inner):
        return
    if op == SELECT:
        L.choose(f, o, so, u, a, sa, ia, f, b, sb, ib, f, c, e[s + C + 4], e[s + C + 5], outer, inner)
    elif op == SELECT_B:
        L.choose(u, o, so, u, a, sa, ia, u, b, sb, ib, u, c, e[s + C + 4], e[s + C + 5], outer, inner)
    elif op == ADD_IF:
        L.add_if(f, o, so, f, a, sa, ia, u, b, sb, ib, f, c, e[s + C + 4], e[s + C + 5], outer, inner)
    elif op == COPY:
        L.copy(f, o, so, e[s + OUT + 5], f, a, sa, ia, outer, inner)
    elif op == COPY_B:
        L.copy(u, o, so, e[s + OUT + 5], u, a, sa, ia, outer, inner)
    elif op == GATHER:
        L.gather(f, o, so, f, a, sa, ia, f, b, sb, ib, e[s + C], e[s + C + 5], outer, inner)
    elif op == GATHER_B:
        L.gather(u, o, so, u, a, sa, ia, f, b, sb, ib, e[s + C], e[s + C + 5], outer, inner)
    elif op == RANK:
        R.rank(f, o, so, e[s + OUT + 5], u, a, sa, ia, outer, inner)
    else:
        _fold(op, extra, f, u, o, so, e[s + OUT + 5], a, sa, ia, b, sb, ib, outer, inner)


@njit(**L.OPTIONS)
def _find_failure(failures, check, q, seen, u, e, s, a, repeated):
    """Note the first true value, if none was noted before."""
    if failures[check, 0] >= 0:
        return
    outer, inner = e[s + 3], e[s + 4]
    sa, ia = e[s + A + 4], e[s + A + 5]
    for i in range(outer):
        if R._any(u, a + i * sa, ia, inner):
            for j in range(inner):
                if u[a + i * sa + j * ia]:
                    failures[check, 0] = q
                    failures[check, 1] = (repeated * outer + i) * inner + j
                    failures[check, 2] = seen
                    return


@njit(**L.OPTIONS)
def _finish(f, e, s, a, program, q, limits, ends, outputs):
    """Rows of one result, from query q on."""
    n, _, start, _, mode, causal, _ = limits
    fills, slots, careful = ends
    raw, patterns, packing, packed, sums = outputs
    slot = slots[program]
    if slot < 0:
        return
    filled, sa, ia = e[s + 4], e[s + A + 4], e[s + A + 5]
    integers, floats, starts = packed
    spread = np.empty(0 if ia == 1 else filled, np.float64)
    for i in range(e[s + 3]):
        x, place = f, a + i * sa
        if ia != 1:
            spread[:] = f[place]
            x, place = spread, 0
        if mode == RAW:
            raw_row(raw[slot, q + i - start], x, np.uint64(place), filled, fills[program])
            continue
        seen = q + i + 1 if causal else n
        row = patterns[slot, q + i - start] if mode == PATTERN else patterns[0, 0]
        if not pattern_row(row, x, np.uint64(place), filled, fills[program], seen):
            careful[program] = 1
            row[:] = np.float32(0.0)
        elif causal and _is_empty(row, seen):
            row[0] = np.float32(1.0)
        if mode == PATTERN:
            continue
        steps, lanes, scale = packing
        if mode == PACKED_INT16:
            total, error = pack_row_int16(integers[slot], starts[q + i], row, seen, steps, lanes, scale)
            sums[slot, 1] += error / scale
        else:
            total = pack_row_float(floats[slot], starts[q + i], row, seen, steps, lanes)
        sums[slot, 0] += total


@njit(**L.OPTIONS)
def _is_empty(row, seen):
    return R._sum(row, 0, 1, seen) == 0.0


@njit(**L.OPTIONS)
def _bind_shapes(e, monomials, loops, starts, strides, n, q, block):
    """The numbers of every shape for the rows at work."""
    for s in range(len(loops)):
        base = s * WIDTH
        for i in range(LOOPS):
            e[base + i] = monomials[loops[s, i]]
        for operand in range(OPERANDS):
            to = base + LOOPS + operand * (LOOPS + 1)
            kind = starts[s, operand, 0]
            size = monomials[starts[s, operand, 1]]
            e[to] = 0
            if kind == START_QUERY:
                e[to] = q * size
            elif kind == START_IN_BLOCK:
                e[to] = (q - block) * size
            elif kind == START_DISTANCE:
                e[to] = n - 1
            elif kind == START_DISTANCE_OF_QUERY:
                e[to] = n - 1 - q
            elif kind == START_SIZE:
                e[to] = size
            for i in range(LOOPS):
                stride = strides[s, operand, i]
                e[to + 1 + i] = monomials[stride] if stride >= 0 else (0 if stride == -1 else -1)


@njit(**L.OPTIONS)
def _bind_monomials(monomials, exponents, sizes):
    for m in range(len(exponents)):
        value = 1
        for i in range(len(sizes)):
            for _ in range(exponents[m, i]):
                value *= sizes[i]
        monomials[m] = value


@njit(**L.OPTIONS)
def _run_segment(code, low, high, unit, f, u, e, places, failures, limits, ends, outputs):
    """The instructions low..high-1 on one unit of rows, whose shapes are bound."""
    q, seen = unit
    for pc in range(low, high):
        op, extra = code[pc, 0], code[pc, 6]
        s = code[pc, 5] * WIDTH
        o, a = places[code[pc, 1]] + e[s + OUT], places[code[pc, 2]] + e[s + A]
        b, c = places[code[pc, 3]] + e[s + B], places[code[pc, 4]] + e[s + C]
        if op == RESULT:
            _finish(f, e, s, a, extra, q, limits, ends, outputs)
            continue
        repeated = 0
        for i in range(e[s]):
            for j in range(e[s + 1]):
                for k in range(e[s + 2]):
                    at = a + i * e[s + A + 1] + j * e[s + A + 2] + k * e[s + A + 3]
                    if op == CHECK:
                        _find_failure(failures, extra, q, seen, u, e, s, at, repeated)
                    else:
                        to = o + i * e[s + OUT + 1] + j * e[s + OUT + 2] + k * e[s + OUT + 3]
                        other = b + i * e[s + B + 1] + j * e[s + B + 2] + k * e[s + B + 3]
                        third = c + i * e[s + C + 1] + j * e[s + C + 2] + k * e[s + C + 3]
                        _step(op, extra, f, u, e, s, to, at, other, third)
                    repeated += 1


@njit(**L.OPTIONS)
def _run_units(code, segment, tables, scratch, block, last, f, u, places, failures, limits, ends, outputs):
    """One segment: once, on a block of rows, or on each of its rows."""
    exponents, loops, starts, strides = tables
    monomials, e = scratch
    n, words = limits[0], limits[1]
    often = segment[1]
    step = max(last - block, 1) if often <= PER_BLOCK else 1
    for q in range(block, last, step):
        _bind_monomials(monomials, exponents, (1, n, words, last, step, max(2 * n - 1, 0)))
        _bind_shapes(e, monomials, loops, starts, strides, n, q, block)
        _run_segment(
            code, segment[2], segment[3], (q, last), f, u, e, places, failures, limits, ends, outputs
        )  # fmt: skip


def _compiled(fingerprint: str):
    """``run``, cached on disk; the fingerprint of the sources makes a change in any of them a new function."""

    @njit(cache=True, **L.OPTIONS)
    def run(code, segments, tables, places, f, u, limits, ends, outputs, failures):
        """Run bytecode on one text.

        ``limits``: tokens, words, first row, rows of a block, what becomes of results, causal, passes. ``places`` int64
        [registers]: where each register lies in its heap, ``f`` float64 or ``u`` uint8. ``failures`` int64 [checks, 3]
        tells for each check the first row of the unit that failed, the place in it and the keys seen; -1 without failure.
        """
        assert len(fingerprint) > 0
        n, _, start, rows, _, _, passes = limits
        scratch = (np.empty(len(tables[0]), np.int64), np.empty(len(tables[1]) * WIDTH, np.int64))
        for level in range(passes):
            for g in range(len(segments)):
                if segments[g, 0] == level and segments[g, 1] == ONCE:
                    _run_units(
                        code, segments[g], tables, scratch, 0, n, f, u, places, failures, limits, ends, outputs
                    )  # fmt: skip
            for block in range(start, n, rows):
                for g in range(len(segments)):
                    if segments[g, 0] == level and segments[g, 1] != ONCE:
                        _run_units(
                            code, segments[g], tables, scratch, block, min(block + rows, n), f, u, places, failures,
                            limits, ends, outputs,
                        )  # fmt: skip

    return run


def _fingerprint() -> str:
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parent / "packing.py"]
    from attndsl.compiler import bytecode

    digest = hashlib.sha256(Path(bytecode.__file__).read_bytes())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


run = _compiled(_fingerprint())
