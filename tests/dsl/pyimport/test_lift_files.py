"""What stands at the top of a file: imports, and functions that take the name of a built-in one."""

from __future__ import annotations

import pytest
from test_lift_snippets import HEAD, _body, _means_the_same

from attndsl.dsl.pyimport import Imported, import_python
from attndsl.dsl.source import SourceFile

WINDOW = """
recent = []
for i in range(n):
    recent.append(i)
    if len(recent) > 2:
        recent.pop(0)
    A[i, recent[0]] = 1
"""
PAIRS = """pairs = [(j, len(tokens[j]) * 2, j % 2) for j in range(n)]
p = {}
for i in range(n):
    A[i, p[0][0]] = 1
"""
LIFTED = {
    "the second item": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(1))")),
    "the first item": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(0))")),
    "the last item": ("import operator", PAIRS.format("sorted(pairs, key=operator.itemgetter(-1))")),
    "two items": ("import operator", PAIRS.format("sorted(pairs, key=operator.itemgetter(2, 1))")),
    "backwards": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(1), reverse=True)")),
    "a queue": (
        "from collections import deque as queue",
        "recent = queue(maxlen=2)\nfor i in range(n):\n    recent.append(i)\n    A[i, recent[0]] = 1\n",
    ),
    "a default value of a lambda": (
        "WIDTH = 2\nshift = lambda x, by=WIDTH: x + by", "A[0, 0] = shift(1) + 10 * shift(1, 5)\n",
    ),
    "a default value that is bound again": (
        "WIDTH = 2\ndef shift(x, by=WIDTH):\n    return x + by\nWIDTH = 7", "A[0, 0] = shift(WIDTH) + shift(1, 5)\n",
    ),
    "a list as a default value": (
        "def size(of=[1, 2], *, more=(1, [3])):\n    return len(of) + len(more[1])", "A[0, 0] = size() + size([])\n",
    ),
}  # fmt: skip
KEPT = {
    "no item": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter())")),
    "an item by name": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(item=1))")),
    "an item that is not there": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(3))")),
    "an item of a number": ("from operator import itemgetter", "A[0, sorted(range(n), key=itemgetter(0))[0]] = 1\n"),
    "an unknown item": ("from operator import itemgetter", PAIRS.format("sorted(pairs, key=itemgetter(n - 1))")),
    "an own len": ("def len(x):\n    return 4 if type(x) is list else x.__len__()", WINDOW),
    "a default value of names that are bound again": (
        "STOPS = ['a', 'b', 'c']\ndef size(of=sum(len(t) for t in STOPS)):\n    return of", "A[0, 0] = size()\n",
    ),
    "a default value that changes": (
        "def add(x, into=[]):\n    into.append(x)\n    return len(into)", "A[0, 0] = add(1) + add(2)\n",
    ),
    "a list in a default value that changes": (
        "def add(x, into=([], 1)):\n    into[0].append(x)\n    return len(into[0])", "A[0, 0] = add(1) + add(2)\n",
    ),
    "a default value of a lambda that changes": (
        "add = lambda x, into=[]: into.append(x) or len(into)", "A[0, 0] = add(1) + add(2)\n",
    ),
    "a queue of another file": (
        "from queues import deque", "recent = deque(maxlen=2)\nfor i in range(n):\n    recent.append(i)\n",
    ),
}  # fmt: skip


def _imported(top: str, body: str) -> tuple[Imported, str]:
    text = f"{top}\n{HEAD}{_body(body)}" + '    return "program", A\n'
    (found,) = import_python(SourceFile("file", text), []).programs
    return found, text


@pytest.mark.parametrize("title", LIFTED)
def test_a_program_that_needs_its_imports_is_lifted_to_what_python_does(title: str) -> None:
    found, text = _imported(*LIFTED[title])
    assert found.typed is not None, found.diagnostics
    _means_the_same(found, text, title)


@pytest.mark.parametrize("title", KEPT)
def test_what_looks_like_it_is_not_lifted(title: str) -> None:
    found, _ = _imported(*KEPT[title])
    assert found.typed is None


def test_a_built_in_function_that_the_file_defines_is_not_taken_for_the_known_one() -> None:
    """The list that forgets its oldest items is put as another one with Python's own functions alone."""
    plain, _ = _imported("", WINDOW)
    own, _ = _imported("def enumerate(x):\n    return 1", WINDOW)
    assert plain.typed is not None
    assert own.typed is None
