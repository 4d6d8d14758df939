"""Packed layouts: every weight has one place, and no window of a lane can overflow sixteen bits."""

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.packing import (
    MAX_WINDOW,
    PRECISIONS,
    copy_row,
    empty_packed,
    interleave,
    layout,
    pack_into,
    quantise_row,
)
from attndsl.runtime.pattern import ROW_SUM_TOLERANCE, normalise

SIZES = [1, 2, 3, 4, 5, 8, 16, 17, 31, 32, 33, 64, 100, 127, 128, 129]


def places(place):
    """(q, k, packed index) of every weight, from the documented formula."""
    for q in range(place.n):
        for k in range(q + 1 if place.causal else place.n):
            position = int(place.starts[q]) + k
            yield q, k, (position % place.steps) * place.lanes + position // place.steps


@pytest.mark.parametrize("lanes", [1, 16, 32])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", SIZES)
def test_every_weight_has_its_own_place(n, causal, lanes):
    place = layout(n, causal, lanes)
    indices = [index for _, _, index in places(place)]
    assert len(set(indices)) == len(indices) == (n * (n + 1) // 2 if causal else n * n)
    assert min(indices) >= 0
    assert max(indices) < place.size
    assert place.size - len(indices) < (lanes + place.steps if lanes > 1 else 64)


@pytest.mark.parametrize("lanes", [16, 32])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", SIZES)
def test_a_window_of_a_lane_touches_at_most_three_rows(n, causal, lanes):
    place = layout(n, causal, lanes)
    row_of = np.full((place.steps, lanes), -1)
    for q, _, index in places(place):
        row_of[index // lanes, index % lanes] = q
    assert place.window <= min(n + 1, MAX_WINDOW)
    for lane in range(lanes):
        for first in range(0, place.steps, place.window):
            rows = set(row_of[first : first + place.window, lane].tolist()) - {-1}
            assert len(rows) <= 3


@pytest.mark.parametrize("n", [1, 2, 128, 254, 255, 256, 1024, 65536])
def test_the_scale_leaves_room_for_three_rows_and_rounding(n):
    window = min(n + 1, MAX_WINDOW)
    scale = int((65535 - (window + 1) / 2) / (3 * (1 + ROW_SUM_TOLERANCE)))
    assert layout(min(n, 1024), True, 32).scale >= 21600
    assert 3 * (1 + ROW_SUM_TOLERANCE) * scale + window / 2 <= 65535


@pytest.mark.parametrize("precision", ["float64", "float32", "int16"])  # tests/runtime/test_dither.py has "uint8"
@pytest.mark.parametrize("causal", [True, False])
def test_packing_puts_weights_where_the_layout_says_and_measures_its_error(causal, precision):
    n = 21
    rng = np.random.default_rng(3)
    patterns = normalise(rng.random((4, n, n)) ** 9 - 0.01, causal=causal)
    place = layout(n, causal, 16)
    packed = empty_packed(place, precision, 4)
    pack_into(packed, 0, patterns)
    unit = place.scale if precision == "int16" else 1
    for row, pattern in enumerate(patterns):
        stored = np.zeros((n, n))
        for q, k, index in places(place):
            stored[q, k] = packed.data[row, index] / unit
        error = np.abs(stored - pattern).sum()
        assert packed.errors[row] == pytest.approx(error, abs=1e-9)
        assert (packed.errors[row] == 0) == (precision != "int16")
        assert packed.sums[row] == pytest.approx(pattern.sum(dtype=np.float64), abs=1e-12)
        assert np.abs(stored - pattern).max() <= (0.5 / unit + 1e-12 if precision == "int16" else 0)
    assert not packed.data[4:].any()


@pytest.mark.parametrize("precision", ["int16", "float32"])
def test_rows_can_be_written_one_by_one(precision):
    n = 13
    pattern = normalise(np.random.default_rng(0).random((n, n)), causal=True)
    place = layout(n, True, 16)
    whole, rows = empty_packed(place, precision, 1), empty_packed(place, precision, 1)
    pack_into(whole, 0, pattern[None])
    stream = np.zeros(place.size, whole.data.dtype)
    for q in range(n):
        target = stream[place.starts[q] :]
        if precision == "int16":
            total, lost = quantise_row(pattern[q], q + 1, place.scale, target)
            rows.errors[0] += lost / place.scale
        else:
            total = copy_row(pattern[q], q + 1, target)
        rows.sums[0] += total
    interleave(stream, rows.data[0], place.steps, place.lanes)
    assert (rows.data == whole.data).all()
    assert rows.sums[0] == pytest.approx(whole.sums[0], abs=1e-12)
    assert rows.errors[0] == pytest.approx(whole.errors[0], abs=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("q", "k", "weight", "code"),
    [
        (2, 1, np.nan, "E0531"),
        (2, 1, np.inf, "E0531"),
        (2, 1, -0.25, "E0532"),
        (1, 2, 0.25, "E0532"),
        (2, 1, 0.5, "E0532"),
        (2, 1, 1e30, "E0532"),
    ],
)
def test_packing_refuses_what_is_no_pattern(precision, q, k, weight, code):
    patterns = np.zeros((3, 3, 3), dtype=np.float32)
    patterns[:, :, 0] = 1
    patterns[1, q, k] = weight
    packed = empty_packed(layout(3, True, 16), precision, 3)
    with pytest.raises(DiagnosticError, match="head 1") as caught:
        pack_into(packed, 0, patterns, what="head")
    assert caught.value.diagnostics[0].code == code


def test_packing_refuses_other_sizes():
    packed = empty_packed(layout(3, True, 16), "int16", 2)
    for wrong in (np.zeros((2, 4, 4)), np.zeros((3, 3, 3)), np.zeros((3, 3))):
        with pytest.raises(DiagnosticError) as caught:
            pack_into(packed, 0, wrong.astype(np.float32))
        assert caught.value.diagnostics[0].code == "E0533"
