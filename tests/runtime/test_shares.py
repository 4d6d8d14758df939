"""Work on ranges, shared between threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from attndsl.runtime.shares import shared


def test_results_are_in_the_order_of_the_spans_whoever_does_them():
    spans = [(at, at + 3) for at in range(0, 60, 3)]
    expected = [(a, b) for a, b in spans]
    assert shared(lambda a, b: (a, b), spans) == expected
    with ThreadPoolExecutor(3) as pool:
        assert shared(lambda a, b: (a, b), spans, pool) == expected
        assert shared(lambda a, b: (a, b), [], pool) == []


def test_the_caller_works_along():
    meeting = threading.Barrier(2, timeout=20)  # both spans must be under way at once, so one is the caller's
    with ThreadPoolExecutor(1) as pool:
        who = shared(lambda _: (meeting.wait(), threading.get_ident())[1], [(0,), (1,)], pool)
    assert len(set(who)) == 2
    assert threading.get_ident() in who


@pytest.mark.parametrize("bad", [0, 1, 5])
def test_an_error_is_raised_when_all_have_ended(bad):
    done = []

    def work(number):
        if number == bad:
            raise ValueError(f"span {number}")
        done.append(number)

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match=f"span {bad}"):
        shared(work, [(number,) for number in range(6)], pool)
    with pytest.raises(ValueError, match=f"span {bad}"):
        shared(work, [(number,) for number in range(6)])
