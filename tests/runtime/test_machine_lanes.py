"""Rows of keys in words of 64: every width, every step, and nothing written beside the row."""

import numpy as np
import pytest

WIDTHS = (1, 7, 8, 63, 64, 65, 100, 200)
ROWS = 3


def shape(width, *operands):
    """Loops over ROWS rows of that width; for each operand its step per row and per element."""
    from attndsl.runtime.machine import loops

    made = np.zeros(loops.WIDTH, dtype=np.int64)
    made[[loops.OUTER, loops.INNER]] = ROWS, width
    for start, (row, step) in zip((loops.OUT, loops.A, loops.B, loops.C), operands, strict=False):
        made[[start + loops.ROW, start + loops.STEP]] = row, step
    return made


def heaps(width, seed):
    """Random numbers (some of them none, infinite or zero) and truth values, with room behind the last row."""
    rng = np.random.default_rng(seed)
    numbers = rng.choice([0.0, 1.5, -2.25, np.nan, np.inf, 3.0, 1e-3], 4 * ROWS * width + 64)
    return numbers, rng.integers(0, 2, 4 * ROWS * width + 64).astype(np.uint8)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_updates_change_the_places_of_their_masks_alone(width):
    from attndsl.runtime.machine import updates

    functions = [
        lambda old, new: new, np.add, np.multiply, np.divide,
        lambda old, new: np.where(new > old, new, old), lambda old, new: np.where(new < old, new, old),
    ]  # fmt: skip
    block = ROWS * width
    for kind, function in enumerate(functions):
        for mask_step, value_step, guard_row in ((1, 1, 1), (1, 0, 0), (0, 1, 1), (0, 0, 2)):
            numbers, truths = heaps(width, 10 * kind + mask_step + 2 * value_step)
            truths[block : block + 2 * ROWS] = [1, 0, 1, 1, 1, 0]
            expected = numbers.copy()
            for row in range(ROWS):
                if not truths[block + guard_row * row]:
                    continue
                mask = truths[row * width + mask_step * np.arange(width)].astype(bool)
                values = numbers[2 * block + row * width + value_step * np.arange(width)]
                here = slice(row * width, (row + 1) * width)
                expected[here] = np.where(mask, function(numbers[here], values), numbers[here])
            at = shape(width, (width, 1), (guard_row, 0), (width, mask_step), (width, value_step))
            updates.update(kind, numbers, truths, at, 0, 0, block, 0, 2 * block)
            np.testing.assert_array_equal(numbers, expected)


@pytest.mark.parametrize("width", WIDTHS)
def test_truth_values_are_joined_row_by_row(width):
    from attndsl.runtime.machine import lanes

    block = ROWS * width
    for joined, function in ((lanes.join_rows, np.bitwise_or), (lanes.meet_rows, np.bitwise_and)):
        for a_step, b_step in ((1, 1), (1, 0), (0, 1), (0, 0)):
            _, truths = heaps(width, a_step + 2 * b_step)
            expected = truths.copy()
            for row in range(ROWS):
                a, b = (
                    truths[start + row * width + step * np.arange(width)]
                    for start, step in ((block, a_step), (2 * block, b_step))
                )
                expected[row * width : (row + 1) * width] = function(a, b)
            joined(truths, shape(width, (width, 1), (width, a_step), (width, b_step)), 0, 0, block, 2 * block)
            np.testing.assert_array_equal(truths, expected)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_true_places_are_bits_up_to_the_last(step):
    from attndsl.runtime.machine import lanes

    truths = np.random.default_rng(step).integers(0, 2, 500).astype(np.uint8)
    for low, high in ((0, 1), (0, 64), (64, 70), (64, 200), (128, 129)):
        word = int(lanes.true_places(truths, 5, step, low, high))
        wanted = [bool(truths[5 + step * j]) and j < high for j in range(low, low + 64)]
        assert [bool(word >> j & 1) for j in range(64)] == wanted


SIGNS = {
    "both": lambda x: x,
    "none": np.abs,
    "zeros": lambda x: np.where(x > 0, x, -0.0),
    "last": lambda x: np.where(np.arange(len(x)) % 64 == 63, -1.0, np.abs(x)),
}
"""Rows without a minus are written without asking again; the sign of a zero is one as well."""


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_pattern_row_is_written_up_to_its_end(width, signs):
    from attndsl.runtime.machine import results

    rng = np.random.default_rng(width)
    for seen in {1, width // 2 + 1, width}:
        x = np.where(rng.random(width + 64) < 0.7, SIGNS[signs](rng.normal(size=width + 64)), 0.0)
        x[0], x[width:] = 2.0, np.nan  # what lies behind the row counts for nothing
        out = np.full(width + 5, 7.0, dtype=np.float32)
        state = results.pattern_row(out, np.uint64(0), width, x, np.uint64(0), width, 0.0, seen)
        weights = np.where(np.arange(width) < seen, np.maximum(x[:width], 0.0), 0.0)
        assert state == results.FILLED
        np.testing.assert_allclose(out[:width], weights / weights.sum(), atol=1e-7)
        assert (out[:width] >= 0).all()
        assert not np.signbit(out[:width]).any()
        assert (out[width:] == 7.0).all()
        for flaw in (np.inf, -np.inf, np.nan):
            for place in {0, seen - 1, width - 1}:  # seen or not
                y = x.copy()
                y[place] = flaw
                state = results.pattern_row(out, np.uint64(0), width, y, np.uint64(0), width, 0.0, seen)
                assert state == results.CARE


def test_a_pattern_row_of_nothing_positive_is_empty():
    from attndsl.runtime.machine import results

    for value in (0.0, -0.0, -1.0):
        x = np.full(200, value)
        out = np.full(70, 7.0, dtype=np.float32)
        state = results.pattern_row(out, np.uint64(0), 70, x, np.uint64(0), 70, 0.0, 70)
        assert state == results.EMPTY
        assert not out.any()
        assert not np.signbit(out).any()
