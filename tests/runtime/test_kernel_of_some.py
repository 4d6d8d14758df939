"""The kernel of some programs of a library is made once for all the texts that ask for it."""

from __future__ import annotations

import numpy as np
from tables import table

from attndsl.runtime.kernel import LastKernel, LibraryKernel
from attndsl.runtime.library import load_text

PROGRAMS = """
head "first" causal
set 1 to first

head "self" causal
set 1 to q

head "previous" causal
set 1 to q - 1
"""


def test_the_last_kernel_is_kept_and_gives_its_own_programs_patterns() -> None:
    whole = LibraryKernel(list(load_text(PROGRAMS, "t", python=False, causal=True).values()), True, "numpy")
    asked: list[list[int]] = []

    def make(ids: list[int]) -> LibraryKernel:
        asked.append(ids)
        return whole.part(ids)

    some, text = LastKernel(make), table("the cat sat")
    everything = whole.predict(text).patterns
    for ids in ([2, 0], [2, 0], [0, 2], [1], [1], [2, 0]):
        assert np.array_equal(some.of(np.array(ids)).predict(text).patterns, everything[ids])
    assert asked == [[2, 0], [0, 2], [1], [2, 0]]
