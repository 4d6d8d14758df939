"""Five programs of the built-in library compiled one by one with numba, as a kernel per program would be.

Each is the loop nest that a code generator would write for the program; columns (texts as numbers) are given. They are
here to be compared with the one machine that compiles nothing per program.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit


def _finish(row, q, out):
    """Clip, divide, and give an empty row to the first token."""
    total = 0.0
    for k in range(q + 1):
        row[k] = max(row[k], 0.0)
        total += row[k]
    for k in range(q + 1):
        out[k] = row[k] / total if total > 0.0 else (1.0 if k == 0 else 0.0)
    for k in range(q + 1, len(out)):
        out[k] = 0.0


def _previous_and_first(texts, comma, out):
    for q in range(len(texts)):
        row = np.zeros(len(texts))
        row[0] += 0.5
        if q > 0:
            row[q - 1] += 0.5
        finish(row, q, out[q])


def _decay(texts, comma, out):
    for q in range(len(texts)):
        row = np.zeros(len(texts))
        total = 0.0
        for k in range(q + 1):
            row[k] = 0.8 ** (q - k)
            total += row[k]
        for k in range(q + 1):
            row[k] /= total
        finish(row, q, out[q])


def _window(texts, comma, out):
    for q in range(len(texts)):
        row = np.zeros(len(texts))
        low = max(0, q - 7)
        for k in range(low, q + 1):
            row[k] = 1.0 / (q + 1 - low)
        finish(row, q, out[q])


def _last_comma(texts, comma, out):
    for q in range(len(texts)):
        row = np.zeros(len(texts))
        row[0] += 0.4
        for k in range(q - 1, -1, -1):
            if texts[k] == comma:
                row[k] += 0.6
                break
        finish(row, q, out[q])


def _same_text(texts, comma, out):
    for q in range(len(texts)):
        row = np.zeros(len(texts))
        count = 0
        for k in range(q + 1):
            count += texts[k] == texts[q]
        for k in range(q + 1):
            if texts[k] == texts[q]:
                row[k] = 0.6 / count
        row[0] += 0.4
        finish(row, q, out[q])


finish = njit(nogil=True)(_finish)
LOOPS = (_previous_and_first, _decay, _window, _last_comma, _same_text)
SAME_IN_OUR_LANGUAGE = """
head "jit previous and first" causal
add 0.5 to first
add 0.5 to q - 1

head "jit decay" causal
share 1 over each k by 0.8 ** (q - k)

head "jit window" causal
share 1 over each k from q - 7

head "jit last comma" causal
add 0.4 to first
add 0.6 to last(k before q where k.text == ",")

head "jit same text" causal
add 0.4 to first
share 0.6 over each k where k.text == q.text
"""


def compiled() -> tuple[list[Callable[..., None]], float]:
    """The programs as compiled functions (texts, comma, out), and seconds of compilation for one."""
    finish(np.zeros(4), 2, np.zeros(4, dtype=np.float32))
    started = time.process_time()
    kernels = [njit(nogil=True)(loop) for loop in LOOPS]
    for kernel in kernels:
        kernel(np.zeros(4, dtype=np.int64), np.int64(1), np.zeros((4, 4), dtype=np.float32))
    return kernels, (time.process_time() - started) / len(kernels)
