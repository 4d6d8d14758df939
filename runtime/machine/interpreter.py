"""The machine itself: one compiled function that runs any bytecode on one text, in blocks of query rows."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import njit

from attndsl.compiler import bytecode
from attndsl.compiler.bytecode import (
    ONCE,
    OPCODE,
    OPCODES,
    PER_BLOCK,
)
from attndsl.runtime import packing
from attndsl.runtime.jit import cached_njit
from attndsl.runtime.machine import exponential, lanes, octets, results, shapes, updates
from attndsl.runtime.machine import loops as L
from attndsl.runtime.machine import reductions as R
from attndsl.runtime.machine import tables as T
from attndsl.runtime.machine.results import (
    CARE,
    EMPTY,
    PACKED_INT16,
    PACKED_UINT8,
    PATTERN,
    RAW,
    announce_row,
    pattern_row,
    raw_row,
)
from attndsl.runtime.machine.shapes import bind_monomials, bind_shapes, bind_starts, moved, next_place
from attndsl.runtime.packing import copy_row, dither_row, quantise_row

OUT, A, B, C, WIDTH = L.OUT, L.A, L.B, L.C, L.WIDTH
ADD, SUB, MUL, DIV, FLOORDIV, MOD, POW, MIN, MAX = (
    OPCODE[name] for name in ("add", "sub", "mul", "div", "floordiv", "mod", "pow", "min", "max")
)
NEG, ABS, EXP, LOG, SQRT, TANH, SIN, COS, FLOOR, CEIL, ROUND, TRUNC = (
    OPCODE[name]
    for name in ("neg", "abs", "exp", "log", "sqrt", "tanh", "sin", "cos", "floor", "ceil", "round", "trunc")
)
LT, LE, EQ, AND, OR, NOT, FLOAT = (OPCODE[name] for name in ("lt", "le", "eq", "and", "or", "not", "float"))
SELECT, SELECT_B, ADD_IF, COPY, COPY_B, GATHER, GATHER_B = (
    OPCODE[name] for name in ("select", "select_b", "add_if", "copy", "copy_b", "gather", "gather_b")
)
RANK, RUNNING_SUM, RUNNING_COUNT, RUNNING_LAST, NEXT_TRUE = (
    OPCODE[name] for name in ("rank", "running_sum", "running_count", "running_last", "next_true")
)
PUT_AT, UPDATE, JOIN, ANY_AT, COUNT_AT = (OPCODE[name] for name in ("put_at", "update", "join", "any_at", "count_at"))
ANY_WHERE, COUNT_WHERE, SUM_WHERE, SUM_MASKED = (
    OPCODE[name] for name in ("any_where", "count_where", "sum_where", "sum_masked")
)
ANY, SUM_IF, CHECK, RESULT, EACH = (OPCODE[name] for name in ("any", "sum_if", "check", "result", "each"))
assert OPCODES[ANY + 1 : CHECK] == R.KINDS


AHEAD = 4  # rows of a pattern whose memory is on the way

INLINED = {**L.OPTIONS, "inline": "always"}  # called from one place; a call would cost as much as a short row


@njit(**INLINED)
def _step(op, extra, f, u, e, s, o, a, b, c):
    """One instruction on the two inner loops of its shape."""
    if op == ADD:
        L.add(f, f, f, e, s, o, a, b)
    elif op == SUB:
        L.sub(f, f, f, e, s, o, a, b)
    elif op == MUL:
        L.mul(f, f, f, e, s, o, a, b)
    elif op == DIV:
        L.div(f, f, f, e, s, o, a, b)
    elif op == MIN:
        L.smaller(f, f, f, e, s, o, a, b)
    elif op == MAX:
        L.larger(f, f, f, e, s, o, a, b)
    elif op == LT:
        L.less(u, f, f, e, s, o, a, b)
    elif op == LE:
        L.less_equal(u, f, f, e, s, o, a, b)
    elif op == EQ:
        L.equal(u, f, f, e, s, o, a, b)
    elif op == AND:
        lanes.meet_rows(u, e, s, o, a, b)
    elif op == OR:
        lanes.join_rows(u, e, s, o, a, b)
    elif op == NOT:
        L.negated(u, u, e, s, o, a)
    elif op == FLOAT:
        L.number(f, u, e, s, o, a)
    elif op == SELECT:
        L.choose(f, u, f, f, e, s, o, a, b, c)
    elif op == SELECT_B:
        L.choose_truth(u, u, u, u, e, s, o, a, b, c)
    elif op == ADD_IF:
        L.add_if(f, u, e, s, o, a, b, c)
    elif op == GATHER:
        L.gather(f, f, f, e, s, o, a, b)
    elif op == GATHER_B:
        L.gather_truth(u, u, f, e, s, o, a, b)
    elif op == COPY:
        L.copy(f, f, e, s, o, a)
    elif op == COPY_B:
        L.copy_truth(u, u, e, s, o, a)
    elif op == PUT_AT:
        updates.put_at(extra, f, u, e, s, o, a, b, c)
    elif op == JOIN:
        L.join(u, e, s, o, a)
    elif op == UPDATE:
        updates.update(extra, f, u, e, s, o, a, b, c)
    elif RANK <= op < ANY:
        _table(op, f, u, e, s, o, a, b, c)
    elif op >= ANY:
        _fold(op, extra, f, u, e, s, o, a, b)
    else:
        _function(op, f, e, s, o, a, b)


@njit(**INLINED)
def _table(op, f, u, e, s, o, a, b, c):
    """Running values and reductions under a guard: opcodes from ``rank`` up to ``any``."""
    if op == RANK:
        T.rank(f, u, e, s, o, a, 0)
    elif op == RUNNING_COUNT:
        T.rank(f, u, e, s, o, a, 1)
    elif op == RUNNING_SUM:
        T.running_sum(f, e, s, o, a)
    elif op == RUNNING_LAST:
        T.running_place(True, f, u, e, s, o, a)
    elif op == NEXT_TRUE:
        T.running_place(False, f, u, e, s, o, a)
    elif op == ANY_AT:
        T.any_at(f, u, e, s, o, a, b)
    elif op == COUNT_AT:
        T.count_at(f, u, e, s, o, a, b)
    elif op == ANY_WHERE:
        T.any_where(u, e, s, o, a, b)
    elif op == COUNT_WHERE:
        T.count_where(f, u, e, s, o, a, b)
    elif op < SUM_MASKED:
        T.fold_where(op - SUM_WHERE, f, u, e, s, o, a, b)
    else:
        T.fold_masked(op - SUM_MASKED, f, u, e, s, o, a, b, c)


@njit(**INLINED)
def _function(op, f, e, s, o, a, b):
    if op == EXP:
        exponential.exponential(f, e, s, o, a)
    elif op == NEG:
        L.negative(f, f, e, s, o, a)
    elif op == ABS:
        L.absolute(f, f, e, s, o, a)
    elif op == SQRT:
        L.root(f, f, e, s, o, a)
    elif op == FLOOR:
        L.down(f, f, e, s, o, a)
    elif op == CEIL:
        L.up(f, f, e, s, o, a)
    elif op == ROUND:
        L.nearest(f, f, e, s, o, a)
    elif op == TRUNC:
        L.toward_zero(f, f, e, s, o, a)
    elif op == FLOORDIV:
        L.costly(L.FLOORDIV, f, f, f, e, s, o, a, b)
    elif op == MOD:
        L.costly(L.MOD, f, f, f, e, s, o, a, b)
    elif op == POW:
        L.costly(L.POW, f, f, f, e, s, o, a, b)
    elif op == LOG:
        L.costly(L.LOG, f, f, f, e, s, o, a, a)
    elif op == TANH:
        L.costly(L.TANH, f, f, f, e, s, o, a, a)
    elif op == SIN:
        L.costly(L.SIN, f, f, f, e, s, o, a, a)
    elif op == COS:
        L.costly(L.COS, f, f, f, e, s, o, a, a)


@njit(**INLINED)
def _fold(op, extra, f, u, e, s, o, a, b):
    """Reductions: opcodes from ``any`` on, in the order of the kinds in ``reductions.py``."""
    if op == ANY:
        if extra == 0:
            R.fold_any(u, e, s, o, a, A)
        else:
            R.fold_rows_any(u, e, s, o, a, A)
    else:
        kind = op - ANY - 1
        x, px = (b, B) if op == SUM_IF else (a, A)  # only a sum with a condition reads both heaps
        if extra == 0:
            R.fold(kind, f, u, e, s, o, x, px, a, A)
        else:
            R.fold_rows(kind, f, u, e, s, o, x, px, a, A)


@njit(**L.OPTIONS)
def _find_failure(failures, check, q, seen, u, e, s, a):
    """Note the first true value, if none was noted before."""
    if failures[check, 0] >= 0:
        return
    row, step = e[s + A + L.ROW], e[s + A + L.STEP]
    outer, inner = e[s + L.OUTER], e[s + L.INNER]
    for r in range(e[s] * e[s + 1] * e[s + 2]):
        first = r // (e[s + 2] * e[s + 1]) * e[s + A + 1]
        at = a + first + r // e[s + 2] % e[s + 1] * e[s + A + 2] + r % e[s + 2] * e[s + A + 3]
        for i in range(outer):
            if R._any(u, at + i * row, step, inner):
                for j in range(inner):
                    if u[at + i * row + j * step]:
                        failures[check, 0] = q
                        failures[check, 1] = (r * outer + i) * inner + j
                        failures[check, 2] = seen
                        return


@njit(**L.OPTIONS)
def _finish(f, e, s, a, program, short, q, limits, ends, outputs):
    """Rows of one result, from query q on."""
    n, _, start, _, mode, causal, _ = limits
    fills, slots, careful = ends
    raw, patterns, spread, packing, packed, sums = outputs
    slot = slots[program]
    if slot < 0:
        return
    width, sa, ia, fill = e[s + L.INNER], e[s + A + L.ROW], e[s + A + L.STEP], fills[program]
    octets, integers, floats, thresholds, starts = packed
    row = patterns[:n]  # where a row lies until it is packed
    for i in range(-AHEAD, e[s + L.OUTER]):
        if mode == PATTERN and i + AHEAD < e[s + L.OUTER]:
            announce_row(patterns, np.uint64((slot * n + q + i + AHEAD) * n), n)
        if i < 0:
            continue
        x, place = f, a + i * sa
        filled = min(width, q + i + 1) if short else width
        if ia != 1:
            spread[:width] = f[place]
            x, place = spread, 0
        if mode == RAW:
            raw_row(raw[slot, q + i - start], x, np.uint64(place), filled, fill)
            continue
        seen = q + i + 1 if causal else n
        at = np.uint64((slot * n + q + i) * n if mode == PATTERN else 0)
        state = pattern_row(patterns, at, n, x, np.uint64(place), filled, fill, seen)
        if state == CARE:
            careful[program] = 1
            patterns[at : at + np.uint64(n)] = np.float32(0.0)
        elif causal and state == EMPTY:
            patterns[at] = np.float32(1.0)
        if mode == PATTERN:
            continue
        if mode == PACKED_UINT8:
            to = starts[q + i]
            total, varying = dither_row(row, seen, packing[2], thresholds[to:], octets[slot][to:])
            sums[slot, 1] += varying / packing[2] ** 2
        elif mode == PACKED_INT16:
            total, error = quantise_row(row, seen, packing[2], integers[slot][starts[q + i] :])
            sums[slot, 1] += error / packing[2]
        else:
            total = copy_row(row, seen, floats[slot][starts[q + i] :])
        sums[slot, 0] += total


@njit(**L.OPTIONS)
def _run_segment(code, low, high, unit, f, u, e, places, failures, limits, ends, outputs):
    """The instructions low..high-1 on one unit of rows, whose shapes are bound."""
    q, seen = unit
    pc = low
    head, row, place = -1, 0, 0  # the ``each`` whose body is run, and the row and the place it is run for
    while pc < high:
        op, extra = code[pc, 0], code[pc, 6]
        s = code[pc, 5] * WIDTH
        o, a = places[code[pc, 1]] + e[s + OUT], places[code[pc, 2]] + e[s + A]
        if op == EACH:
            row, place = (row, place + 1) if head == pc else (0, 0)
            row, place = next_place(u, e, s, a, row, place)
            head = pc if row < e[s] else -1
            pc += 1 if head == pc else 1 + extra
            continue
        b, c = places[code[pc, 3]] + e[s + B], places[code[pc, 4]] + e[s + C]
        if op == RESULT:
            _finish(f, e, s, a, extra, code[pc, 1] == 1, q, limits, ends, outputs)
        elif op == CHECK:
            _find_failure(failures, extra, q, seen, u, e, s, a)
        else:
            first, second = (row, place) if head >= 0 else (0, 0)
            rounds = e[s + 2] if head >= 0 else e[s] * e[s + 1] * e[s + 2]
            third = 0
            for i in range(rounds):
                if i > 0 or head >= 0:
                    o, a, b, c = moved(e, s, first, second, third, code, places, pc)
                _step(op, extra, f, u, e, s, o, a, b, c)
                third += 1
                if third == e[s + 2]:
                    third, second = 0, second + 1
                    if second == e[s + 1]:
                        second, first = 0, first + 1
            if head >= 0 and pc == head + code[head, 6]:
                pc = head - 1
        pc += 1


@njit(**L.OPTIONS)
def _run_units(code, segment, tables, scratch, block, last, f, u, places, failures, limits, ends, outputs):
    """One segment: once, on a block of rows, or on each of its rows."""
    exponents, loops, starts, strides, all_used = tables
    monomials, e = scratch
    n, words = limits[0], limits[1]
    used = all_used[segment[4] : segment[5]]
    step = max(last - block, 1) if segment[1] <= PER_BLOCK else 1
    bind_monomials(monomials, exponents, (1, n, words, last, step, max(2 * n - 1, 0)))
    bind_shapes(e, monomials, loops, starts, strides, used, n, block, block)
    for q in range(block, last, step):
        if q > block:
            bind_starts(e, monomials, starts, used, n, q, block)
        _run_segment(
            code, segment[2], segment[3], (q, last), f, u, e, places, failures, limits, ends, outputs
        )  # fmt: skip


def _compiled(fingerprint: str):
    """``run``, cached on disk; the fingerprint of the sources makes a change in any of them a new function."""

    @cached_njit(**L.OPTIONS)
    def run(code, segments, tables, places, f, u, limits, ends, outputs, failures):
        """Run bytecode on one text.

        ``limits``: tokens, words, first row, rows of a block, what becomes of results, causal, passes. ``places`` int64
        [registers]: where each register lies in its heap, ``f`` float64 or ``u`` uint8. ``failures`` int64 [checks, 3]
        tells for each check the first row of the unit that failed, the place in it and the keys seen; or else -1.
        """
        assert len(fingerprint) > 0
        n, _, start, rows, _, _, passes = limits
        scratch = (np.empty(len(tables[0]), np.int64), np.empty(len(tables[1]) * WIDTH, np.int64))
        for level in range(passes):
            for block in range(start - rows, n, rows):  # the round before the first is for what is done once
                once = block < start
                first, last = (0, n) if once else (block, min(block + rows, n))
                for g in range(len(segments)):
                    if segments[g, 0] == level and (segments[g, 1] == ONCE) == once:
                        _run_units(
                            code, segments[g], tables, scratch, first, last, f, u, places, failures, limits, ends,
                            outputs,
                        )  # fmt: skip

    return run


def _fingerprint() -> str:
    parts = (bytecode, L, R, T, exponential, lanes, octets, results, shapes, updates, packing)
    files = [Path(__file__), *(Path(str(part.__file__)) for part in parts)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


run = _compiled(_fingerprint())
