# ruff: noqa: E501  (a snippet of Python is easier to read on one line)
"""Python as models write it, in the bounded tier: modules, recursion, caches and the tokenizer against Python itself."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_loops_snippets import ours, pythons, source_of
from tiny_tokenizers import byte_level, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport import import_python
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.dsl.source import SourceFile
from attndsl.runtime.loops import compile_bounded
from attndsl.runtime.tokenize import token_table

BODIES = (Path(__file__).parents[1] / "programs" / "natural.txt").read_text(encoding="utf-8").split("\n===\n")


def same(text: str, pythons_own: Any, own: Any) -> None:
    """Both give the same matrix, or both fail at the same line with the same error."""
    try:
        wanted = pythons_own()
    except Exception as error:
        line = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "snippet.py"][-1]
        with pytest.raises(DiagnosticError) as caught:
            own()
        (found,) = caught.value.diagnostics
        assert found.line == line
        assert type(error).__name__ in found.headline
        return
    np.testing.assert_array_equal(own(), wanted)


@pytest.mark.parametrize("body", BODIES, ids=[body.strip().replace("\n", "; ")[:60] for body in BODIES])
def test_it_gives_what_python_gives(body: str) -> None:
    text = source_of(body)
    same(text, lambda: pythons(text), lambda: ours(text))


TOKENIZED = [
    "m[0] = tokenizer.convert_tokens_to_ids(tokens)\nm[1, 0] = tokenizer.convert_tokens_to_ids(tokens[1]) == ids[1]",
    "special = {tokenizer.cls_token, tokenizer.sep_token, tokenizer.bos_token, tokenizer.eos_token, tokenizer.unk_token}\n"
    "m[0] = [t in special for t in tokens]\nm[1] = [t in tokenizer.all_special_tokens for t in tokens]\n"
    "m[2] = [i in tokenizer.all_special_ids for i in ids]\nm[3, 0] = len(tokenizer.all_special_tokens)",
    "roles = [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, "
    "tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id]\n"
    "m[0, :7] = [-1 if r is None else r for r in roles]\nm[1, 0] = tokenizer.pad_token is None",
    "if tokenizer.cls_token is not None:\n    m[0, 0] = tokenizer.convert_tokens_to_ids(tokenizer.cls_token)",
]


@pytest.mark.parametrize("body", TOKENIZED)
@pytest.mark.parametrize("tokenizer", [byte_level(), wordpiece()], ids=["bytes", "wordpiece"])
def test_a_tokenizer_says_what_it_says_in_python(body: str, tokenizer: Any) -> None:
    lines = "\n    ".join(body.split("\n"))
    text = f"""import numpy as np

def example(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    tokens = tokenizer.convert_ids_to_tokens(ids)
    n = len(tokens)
    m = np.zeros((n, n))
    {lines}
    return "example", m
"""
    sentence = "The cat, the dog (2) saw Zoë. A cat ran"

    def own() -> Any:
        program = compile_bounded(check_module(read_module(text, "snippet.py"))["example"])
        return program.run(token_table(sentence, tokenizer, parse=None))

    def pythons_own() -> Any:
        namespace: dict[str, Any] = {}
        exec(compile(text, "snippet.py", "exec"), namespace)  # written for this test
        return np.asarray(namespace["example"](sentence, tokenizer)[1], dtype=float)

    same(text, pythons_own, own)


def test_a_token_that_the_sentence_does_not_have_has_no_id() -> None:
    text = (
        "def example(sentence, tokenizer):\n    k = tokenizer.convert_tokens_to_ids('zebra')\n    return 'x', [[k]]\n"
    )
    program = compile_bounded(check_module(read_module(text, "snippet.py"))["example"])
    with pytest.raises(DiagnosticError, match="E0471"):
        program.run(token_table("a", byte_level(), parse=None))


REFUSED = [
    ("x = 'é'.encode('utf-8')", "E0148"),
    ("x = [t.encode() for t in tokens]", "E0148"),
    ("x = tokens[0].encode(encoding='UTF-8', errors='ignore')", "E0148"),
    ("def g(x):\n    return x\n@g\ndef f(x):\n    return x", "E0129"),
    ("from functools import lru_cache\n@lru_cache(n)\ndef f(x):\n    return x", "E0129"),
    ("from functools import cache\n@cache()\ndef f(x):\n    return x", "E0129"),
    ("from operator import attrgetter\nf = attrgetter('x')", "E0224"),
    ("import heapq\nx = heapq.os", "E0224"),
    ("import statistics\nx = statistics.sys", "E0224"),
    ("x = np.vectorize.pyfunc", "E0224"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
def test_what_is_refused(body: str, code: str) -> None:
    (check,) = check_module(read_module(source_of(body), "snippet.py")).values()
    assert {d.code for d in check.diagnostics} == {code}


@pytest.mark.parametrize(
    ("helper", "read"),
    [
        ("@lru_cache(maxsize=None)\ndef f(a, b):\n    return 0 if not a else 1 + f(a[1:], b)", True),
        ("@lru_cache\ndef f(a, b):\n    total = 0\n    for c in a:\n        total += c in b\n    return total", True),
        ("@lru_cache\ndef f(a, b):\n    return (a, b, len(a) / 2 if a > b else None)", True),
        ("@lru_cache\ndef f(a, b):\n    return [a, b]", False),
        ("@lru_cache\ndef f(a, b):\n    return sorted(a)", False),
        ("@lru_cache\ndef f(a, b):\n    x = a\n    x = list(b)\n    return x", False),
        ("@lru_cache\ndef f(a, b):\n    for x in [[1], [2]]:\n        pass\n    return x", False),
        ("@lru_cache\ndef f(a, b):\n    return (c for c in a)", False),
        ("@lru_cache\ndef f(a, b):\n    return TABLE", False),
        ("@lru_cache\ndef f(a, b):\n    return a + b, {}", False),
    ],
)
def test_a_helper_of_the_file_may_have_a_cache_where_nobody_can_change_what_it_keeps(helper: str, read: bool) -> None:
    head = f"from functools import lru_cache\nTABLE = [1]\n{helper}\n"
    (check,) = check_module(read_module(head + source_of("m[0, 0] = f('a', 'b') is not None"), "snippet.py")).values()
    assert {d.code for d in check.diagnostics} == (set() if read else {"E0129"})


def test_what_changes_a_list_of_the_file_is_refused() -> None:
    for change in ("heapq.heappush(SEEN, 1)", "heappop(SEEN)", "bisect.insort(SEEN, 2)"):
        head = "import bisect\nimport heapq\nfrom heapq import heappop\nSEEN = [3]\n"
        (check,) = check_module(read_module(head + source_of(change), "snippet.py")).values()
        assert {d.code for d in check.diagnostics} == {"E0137"}


def test_the_end_of_a_recursion_is_not_caught() -> None:
    """CPython would go on for several times as long."""
    for line in ("down(k + 1)", "sorted([0], key=lambda _: down(k + 1))", "sum(down(k + 1) for _ in [0])"):
        body = f"def down(k):\n    return {line}\ntry:\n    down(0)\nexcept Exception:\n    m[0, 0] = 1\nfinally:\n    m[0, 1] = 2"
        with pytest.raises(DiagnosticError, match="E0463"):
            ours(source_of(body))
    raised = "try:\n    raise RecursionError('mine')\nexcept RecursionError:\n    m[0, 0] = 1"
    same("", lambda: pythons(source_of(raised)), lambda: ours(source_of(raised)))


@pytest.mark.parametrize(
    "test",
    ["tokenizer.pad_token is None", "deque([1], maxlen=j + 1).maxlen is None", "not range(0, j).stop", "np.array([j]).nbytes"],
)
def test_what_is_no_method_is_not_taken_for_one(test: str) -> None:
    """Methods are never None, and always true: a lift knows that."""
    text = f"""import numpy as np
from collections import deque

def example(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    n = len(tokens)
    m = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if {test}:
                m[i, j] = 1
    return "example", m
"""
    (found,) = import_python(SourceFile("snippet.py", text)).programs
    assert found.typed is None


def test_how_deep_a_recursion_may_be_does_not_depend_on_earlier_ones() -> None:
    """Results of helpers are kept from run to run: a deep recursion would end at what a shallow one had found."""
    head = "def down(k):\n    for _ in range(1):\n        pass\n    return 0 if k <= 0 else 1 + up(k - 1)\n"
    head += "def up(k):\n    return down(k)\n"

    def run(k: int) -> Any:
        return ours(head + source_of(f"m[0, 0] = down({k})"))[0, 0]

    assert [run(30), run(50)] == [30, 50]
    with pytest.raises(DiagnosticError, match="E0463"):
        run(220)
    assert run(60) == 60
    with pytest.raises(DiagnosticError, match="E0463"):
        run(220)
