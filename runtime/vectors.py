"""Vector code for sums of minima, or of differences of bytes, written out as LLVM IR.

The optimiser vectorises integer minima only partly, and does not find the instruction that sums differences of bytes.

One intrinsic computes a register tile: ``rows`` patterns against ``columns`` patterns over ``steps`` vectors, all sums
kept in registers, and adds the results to ``out``. LLVM lowers the vector types to whatever the CPU has (AVX-512,
AVX2, SSE, NEON), so the shapes below decide speed, not correctness. Only ``allpairs.py`` uses this module.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from attndsl.runtime.jit import cached_njit
from attndsl.runtime.packing import ROW_MULTIPLE

_declare: Any = cgutils.get_or_insert_function
_BYTE, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_F32, _F64 = ir.FloatType(), ir.DoubleType()

STORED = {"uint8": (_BYTE, 1), "int16": (_I16, 2), "float32": (_F32, 4), "float64": (_F32, 4)}
SUMMED = {"uint8": _I64, "int16": _I16, "float32": _F32, "float64": _F64}
_DIFFERENCES = {
    16: ("sse2", "llvm.x86.sse2.psad.bw"),
    32: ("avx2", "llvm.x86.avx2.psad.bw"),
    64: ("avx512bw", "llvm.x86.avx512.psad.bw.512"),
}


@cache
def has_feature(feature: str) -> bool:
    """Whether the CPU that numba compiles for has a feature, such as "avx2". Asked once: the answer takes 0.1 ms.

    ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` are honoured, so a build for another CPU can be tried.
    """
    settings: Any = config
    if settings.CPU_NAME is not None or settings.CPU_FEATURES is not None:
        return f"+{feature}" in (settings.CPU_FEATURES or "").split(",")
    return bool(binding.get_host_cpu_features().get(feature, False))


def _pointer(builder: Any, base: Any, count: Any, size: int) -> Any:
    """``base`` moved by ``count`` numbers of ``size`` bytes, as a byte pointer."""
    offset = builder.mul(count, ir.Constant(_I64, size))
    return builder.gep(builder.bitcast(base, ir.PointerType(_BYTE)), [offset], source_etype=_BYTE)


def _difference(builder: Any, a: Any, b: Any, lanes: int) -> Any:
    """Absolute differences of bytes, eight summed in each 64-bit lane."""
    bytes_, wide = ir.VectorType(_BYTE, lanes), ir.VectorType(_I64, lanes // 8)
    feature, name = _DIFFERENCES[lanes]
    if has_feature(feature):
        return builder.call(_declare(builder.module, ir.FunctionType(wide, [bytes_, bytes_]), name), [a, b])
    larger = builder.icmp_unsigned(">", a, b)
    apart = builder.bitcast(builder.sub(builder.select(larger, a, b), builder.select(larger, b, a)), wide)

    def all_lanes(value: int) -> Any:
        return ir.Constant(wide, [value] * (lanes // 8))

    even = all_lanes(0x00FF00FF00FF00FF)
    odd = builder.and_(builder.lshr(apart, all_lanes(8)), even)
    fours = builder.add(builder.and_(apart, even), odd)  # four 16-bit sums, which one product adds up in its top
    return builder.lshr(builder.mul(fours, all_lanes(0x0001000100010001)), all_lanes(48))


def _minimum(builder: Any, kind: str, a: Any, b: Any, summed: Any) -> Any:
    if kind == "uint8":
        return _difference(builder, a, b, a.type.count)
    if kind == "int16":
        return builder.select(builder.icmp_unsigned("<", a, b), a, b)
    least = builder.select(builder.fcmp_ordered("<", a, b), a, b)
    return builder.fpext(least, summed) if kind == "float64" else least


def _total(builder: Any, kind: str, vector: Any, lanes: int) -> Any:
    """Sum of the lanes as a double; integers are widened first, single precision is summed in double. Bytes have
    ``_byte_totals``."""
    if kind == "int16":
        wide = ir.VectorType(_I32, lanes)
        add = _declare(builder.module, ir.FunctionType(_I32, [wide]), f"llvm.vector.reduce.add.v{lanes}i32")
        return builder.uitofp(builder.call(add, [builder.zext(vector, wide)]), _F64)
    wide = ir.VectorType(_F64, lanes)
    add = _declare(builder.module, ir.FunctionType(_F64, [_F64, wide]), f"llvm.vector.reduce.fadd.v{lanes}f64")
    value = vector if kind == "float64" else builder.fpext(vector, wide)
    return builder.call(add, [ir.Constant(_F64, 0.0), value], fastmath=("reassoc",))


def _byte_totals(builder: Any, vectors: list[Any]) -> Any:
    """The sums of the lanes of up to four vectors of 64-bit numbers below 2**31, as one vector of doubles.

    Short texts spend more time here than in the loop. So four vectors are added up together, a pair of lanes of each
    at a time, and turned into doubles at once: as 32-bit numbers, for which AVX2 has an instruction.
    """
    four = ir.VectorType(_I64, 4)

    def picked(a: Any, b: Any, lanes: list[int]) -> Any:
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))

    def folded(vector: Any) -> Any:
        """Eight lanes, or four, or two -> four."""
        if vector.type.count == 8:
            return builder.add(picked(vector, vector, [0, 1, 2, 3]), picked(vector, vector, [4, 5, 6, 7]))
        if vector.type.count == 4:
            return vector
        return picked(vector, ir.Constant(vector.type, [0, 0]), [0, 1, 2, 3])

    a, b, c, d = [*map(folded, vectors), *[ir.Constant(four, [0] * 4)] * (4 - len(vectors))]
    first = builder.add(picked(a, b, [0, 4, 2, 6]), picked(a, b, [1, 5, 3, 7]))
    last = builder.add(picked(c, d, [0, 4, 2, 6]), picked(c, d, [1, 5, 3, 7]))
    sums = builder.add(picked(first, last, [0, 1, 4, 5]), picked(first, last, [2, 3, 6, 7]))
    doubles = builder.sitofp(builder.trunc(sums, ir.VectorType(_I32, 4)), ir.VectorType(_F64, 4))
    return picked(doubles, doubles, list(range(len(vectors))))


def _loop(builder: Any, kind: str, lanes: int, left: list[Any], right: list[Any], steps: Any) -> list[Any]:
    """The loop over vectors; returns the sums, row by row."""
    stored, size = STORED[kind]
    vector, summed = ir.VectorType(stored, lanes), ir.VectorType(SUMMED[kind], lanes // (8 if kind == "uint8" else 1))
    before = builder.block
    body, after = builder.append_basic_block("step"), builder.append_basic_block("reduce")
    builder.branch(body)
    builder.position_at_end(body)
    step = builder.phi(_I64)
    step.add_incoming(ir.Constant(_I64, 0), before)
    sums = [builder.phi(summed) for _ in range(len(left) * len(right))]
    number = builder.mul(step, ir.Constant(_I64, lanes))

    def load(base: Any) -> Any:
        pointer = builder.bitcast(_pointer(builder, base, number, size), ir.PointerType(vector))
        return builder.load(pointer, align=lanes * size, typ=vector)

    columns = [load(base) for base in right]
    new = []
    for i, base in enumerate(left):
        row = load(base)
        for j, column in enumerate(columns):
            least = _minimum(builder, kind, row, column, summed)
            add = builder.add if kind in ("int16", "uint8") else builder.fadd
            new.append(add(sums[i * len(right) + j], least))
    following = builder.add(step, ir.Constant(_I64, 1))
    step.add_incoming(following, body)
    for old, value in zip(sums, new, strict=True):
        old.add_incoming(ir.Constant(summed, None), before)
        old.add_incoming(value, body)
    builder.cbranch(builder.icmp_unsigned("<", following, steps), body, after)
    builder.position_at_end(after)
    return new


def tile(kind: str, rows: int, columns: int, lanes: int) -> Any:
    """An intrinsic ``f(a, a0, a_stride, b, b0, b_stride, steps, out, o0, o_stride)`` on flat arrays.

    Adds, for row i and column j of the tile, the sum over ``steps`` vectors of the minima ("uint8": of the absolute
    differences) of ``a[a0 + i * a_stride:]`` and ``b[b0 + j * b_stride:]`` to ``out[o0 + i * o_stride + j]`` (float64).
    All offsets count numbers; ``a0``, ``b0`` and the strides must be multiples of ``lanes``, ``steps`` at least 1.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, a0, a_stride, b, b0, b_stride, steps, out, o0, o_stride = args
        size = STORED[kind][1]
        base_a, base_b, base_o = (
            context.make_array(signature.args[at])(context, builder, value).data
            for at, value in ((0, a), (3, b), (7, out))
        )

        def at(base: Any, first: Any, stride: Any, index: int, width: int) -> Any:
            return _pointer(builder, base, builder.add(first, builder.mul(ir.Constant(_I64, index), stride)), width)

        left = [at(base_a, a0, a_stride, i, size) for i in range(rows)]
        right = [at(base_b, b0, b_stride, j, size) for j in range(columns)]
        sums = _loop(builder, kind, lanes, left, right, steps)
        for row in range(rows):
            vectors = sums[row * columns : (row + 1) * columns]
            if kind == "uint8":
                totals = [_byte_totals(builder, vectors)]
            else:
                totals = [_total(builder, kind, vector, lanes) for vector in vectors]
            for column, total in enumerate(totals):
                place = builder.add(o0, ir.Constant(_I64, column))
                target = builder.bitcast(at(base_o, place, o_stride, row, 8), ir.PointerType(total.type))
                old = builder.load(target, align=8, typ=total.type)
                builder.store(builder.fadd(old, total), target, align=8)
        return context.get_dummy_value()

    @intrinsic
    def tile_intrinsic(  # type: ignore[no-untyped-def]
        typing_context, a, a0, a_stride, b, b0, b_stride, steps, out, o0, o_stride
    ):
        whole = types.int64
        signature = types.void(a, whole, whole, b, whole, whole, whole, out, whole, whole)
        return signature, generate

    return tile_intrinsic


GROUP = 2 * ROW_MULTIPLE
"""Programs whose windows (at most 256 vectors of 64 bytes) share the second-level cache; of bytes, half as many."""

WIDE, NARROW = 32, 16
"""16-bit lanes of a 512-bit and a 256-bit vector."""

_uint8_wide = tile("uint8", 6, 4, 64)
_uint8_narrow = tile("uint8", 3, 3, 32)
_int16_wide = tile("int16", 6, 4, 32)
_int16_narrow = tile("int16", 3, 3, 16)
_float32_wide = tile("float32", 6, 4, 16)
_float32_narrow = tile("float32", 3, 3, 8)
_float64_wide = tile("float64", 4, 4, 8)
_float64_narrow = tile("float64", 3, 3, 4)


# The eight drivers differ only in the intrinsic and its tile shape. They are written out, and here, because numba
# caches module-level functions on disk by the state of their own file: a closure over an intrinsic would be compiled
# anew in every process, and a driver elsewhere would not notice an edit of the intrinsic.
@cached_njit(nogil=True)
def _run_uint8_wide(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    window //= 2  # as many bytes as of the narrow vectors
    for t in range(0, size // 64, window):
        steps = min(window, size // 64 - t)
        for group in range(first, stop, ROW_MULTIPLE):
            for h in range(0, columns, 4):
                for p in range(group, min(group + ROW_MULTIPLE, stop), 6):
                    _uint8_wide(x, p * size + t * 64, size, y, h * size + t * 64, size, steps, o, p * width + h, width)


@cached_njit(nogil=True)
def _run_uint8_narrow(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 32, window):
        steps = min(window, size // 32 - t)
        for group in range(first, stop, ROW_MULTIPLE):
            for h in range(0, columns, 3):
                for p in range(group, min(group + ROW_MULTIPLE, stop), 3):
                    _uint8_narrow(
                        x, p * size + t * 32, size, y, h * size + t * 32, size, steps, o, p * width + h, width
                    )


@cached_njit(nogil=True)
def _run_int16_wide(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 32, window):
        steps = min(window, size // 32 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 4):
                for p in range(group, min(group + GROUP, stop), 6):
                    _int16_wide(x, p * size + t * 32, size, y, h * size + t * 32, size, steps, o, p * width + h, width)


@cached_njit(nogil=True)
def _run_int16_narrow(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 16, window):
        steps = min(window, size // 16 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 3):
                for p in range(group, min(group + GROUP, stop), 3):
                    _int16_narrow(
                        x, p * size + t * 16, size, y, h * size + t * 16, size, steps, o, p * width + h, width
                    )


@cached_njit(nogil=True)
def _run_float32_wide(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 16, window):
        steps = min(window, size // 16 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 4):
                for p in range(group, min(group + GROUP, stop), 6):
                    _float32_wide(
                        x, p * size + t * 16, size, y, h * size + t * 16, size, steps, o, p * width + h, width
                    )


@cached_njit(nogil=True)
def _run_float32_narrow(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 8, window):
        steps = min(window, size // 8 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 3):
                for p in range(group, min(group + GROUP, stop), 3):
                    _float32_narrow(
                        x, p * size + t * 8, size, y, h * size + t * 8, size, steps, o, p * width + h, width
                    )


@cached_njit(nogil=True)
def _run_float64_wide(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 8, window):
        steps = min(window, size // 8 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 4):
                for p in range(group, min(group + GROUP, stop), 4):
                    _float64_wide(x, p * size + t * 8, size, y, h * size + t * 8, size, steps, o, p * width + h, width)


@cached_njit(nogil=True)
def _run_float64_narrow(a, b, out, first, stop, window):  # type: ignore[no-untyped-def]
    size, columns, width = a.shape[1], b.shape[0], out.shape[1]
    x, y, o = a.reshape(-1), b.reshape(-1), out.reshape(-1)
    for t in range(0, size // 4, window):
        steps = min(window, size // 4 - t)
        for group in range(first, stop, GROUP):
            for h in range(0, columns, 3):
                for p in range(group, min(group + GROUP, stop), 3):
                    _float64_narrow(
                        x, p * size + t * 4, size, y, h * size + t * 4, size, steps, o, p * width + h, width
                    )


DRIVERS: dict[tuple[str, int], Any] = {
    ("uint8", WIDE): _run_uint8_wide,
    ("uint8", NARROW): _run_uint8_narrow,
    ("int16", WIDE): _run_int16_wide,
    ("int16", NARROW): _run_int16_narrow,
    ("float32", WIDE): _run_float32_wide,
    ("float32", NARROW): _run_float32_narrow,
    ("float64", WIDE): _run_float64_wide,
    ("float64", NARROW): _run_float64_narrow,
}
