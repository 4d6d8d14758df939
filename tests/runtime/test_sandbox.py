"""The sandbox's public face: results, errors with lines, limits, state, sessions, host functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sandbox_cases import table, words

from attndsl.dsl.codes import page
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.sandbox import Job, Limits, SandboxError, SandboxPool, Values, prepare, program_names, run
from attndsl.runtime.sandbox.errors import clean

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are isolated on Linux only")

UNIFORM = "def predict(sentence, tokens):\n    n = len(tokens)\n    return [[1.0] * n for _ in range(n)]\n"
LIBRARY = '''"""A library."""
import numpy as np
_scale = 2.0

def _helper(n):
    return np.eye(n) * _scale

def unused(x):
    import os
    return os

def first(sentence: str, tokenizer) -> tuple:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    return "diagonal", _helper(len(tokens))

def second(sentence, tokenizer):
    tokens = tokenizer.tokenize(sentence)
    return "broken", [1][len(tokens)]
'''


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(workers=2, limits=Limits(seconds=20, megabytes=128)) as shared:
        yield shared


def failure(pool: SandboxPool, source: str, **options: Any) -> SandboxError:
    with pytest.raises(SandboxError) as caught:
        pool.run_program(source, options.pop("program", None), table(), **options)
    return caught.value


def test_run_gives_float32() -> None:
    matrix = run(UNIFORM, table().text, table())
    assert matrix.dtype == np.float32
    assert matrix.shape == (10, 10)


def test_empty_sentence(pool: SandboxPool) -> None:
    assert pool.run_program(UNIFORM, None, table("")).shape == (0, 0)


def test_a_program_of_a_library_is_found_by_name(pool: SandboxPool) -> None:
    assert program_names(LIBRARY) == ["first", "second"]
    np.testing.assert_array_equal(pool.run_program(LIBRARY, "first", table()), np.eye(10) * 2)
    error = failure(pool, LIBRARY)
    assert error.code == "E0411"
    assert "first, second" in str(error)
    assert failure(pool, LIBRARY, program="third").code == "E0411"


def test_an_exception_carries_type_message_and_line_of_the_file(pool: SandboxPool) -> None:
    error = failure(pool, LIBRARY, program="second")
    assert (error.outcome, error.code, error.line) == ("error", "E0412", 18)
    assert (error.error_type, error.error_message) == ("IndexError", "list index out of range")
    assert isinstance(error, DiagnosticError)


def test_host_functions_are_matrices(pool: SandboxPool) -> None:
    source = (
        "def f(sentence, tokenizer):\n    t = tokenizer.tokenize(sentence)\n    n = len(t)\n"
        "    return 'x', [[similarity(t, i, j) for j in range(n)] for i in range(n)]\n"
    )
    matrix = np.arange(100.0).reshape(10, 10)
    np.testing.assert_array_equal(pool.run_program(source, None, table(), {"similarity": matrix}), matrix)
    assert failure(pool, source).error_type == "NameError"
    assert failure(pool, source, host_matrices={"similarity": np.ones((3, 3))}).code == "E0423"
    by_call = run(source, table().text, table(), host={"similarity": lambda tokens, q, k: q + k / 10})
    assert by_call[3, 4] == np.float32(3.4)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return [[float('nan')] * n] * n", "E0414"),
        ("return [[-1.0] * n] * n", "E0414"),
        ("return [[0.0] * n] * n", "E0414"),
        ("return [[1e300] * n] * n", "E0414"),
        ("return [1.0] * n", "E0413"),
        ("return None", "E0413"),
        ("while True: pass", "E0416"),
        ("a = [0] * 10**10", "E0417"),
        ("import os", "E0410"),
        ("return [[x] * n] * n", "E0412"),
    ],
)
def test_run_reports_what_went_wrong(body: str, code: str) -> None:
    source = f"def predict(sentence, tokens):\n    n = len(tokens)\n    {body}\n"
    with pytest.raises(SandboxError) as caught:
        run(source, table().text, table(), seconds=0.5, megabytes=64)
    assert caught.value.code == code


def test_all_names_may_be_imported_from_typing_only(pool: SandboxPool) -> None:
    body = "def predict(sentence: str, tokens: List[str]) -> List:\n    return [[1.0] * len(tokens)] * len(tokens)\n"
    assert (pool.run_program("from typing import *\n" + body, None, table()) == 1).all()
    for module in ("numpy", "math", "os"):
        assert failure(pool, f"from typing import *\nfrom {module} import *\n" + body).code == "E0410"


def test_unusual_values_are_taken_when_asked(pool: SandboxPool) -> None:
    source = (
        "def predict(sentence, tokens):\n    n = len(tokens)\n    return [[float('nan'), -1.0] + [0.0] * (n - 2)] * n\n"
    )
    matrix = pool.run_program(source, None, table(), allow_nonfinite=True)
    assert np.isnan(matrix[:, 0]).all()
    assert (matrix[:, 1] == -1).all()
    assert failure(pool, source).code == "E0414"
    assert (
        failure(pool, "def predict(s, t):\n    return [[-1.0] * len(t)] * len(t)\n", allow_negative=False).code
        == "E0414"
    )


def test_bad_limits_and_levels_are_refused() -> None:
    for options in ({"seconds": 0}, {"megabytes": -1}, {"runs": 0}):
        with pytest.raises(SandboxError) as caught:
            run(UNIFORM, table().text, table(), **options)
        assert caught.value.code == "E0426"
    with pytest.raises(SandboxError) as caught:
        run(UNIFORM, table().text, table(), level="fortress")
    assert caught.value.code == "E0421"
    with pytest.raises(SandboxError) as caught:
        run(UNIFORM, "other text", table())
    assert caught.value.code == "E0423"


def test_too_many_tokens() -> None:
    with SandboxPool(workers=1, limits=Limits(tokens=5)) as small:
        assert failure(small, UNIFORM).code == "E0422"


def test_state_does_not_cross_sentences(pool: SandboxPool) -> None:
    """What a program keeps from one sentence is gone in the next: modules are made anew."""
    source = (
        "seen = []\ndef predict(sentence, tokens):\n"
        "    if sentence not in seen: seen.append(sentence)\n    n = len(tokens)\n"
        "    return [[float(len(seen))] * n] * n\n"
    )
    with pool.session(prepare(source)) as session:
        for text in ("a b", "c d e", "a b"):
            assert session.run(table(text)).max() == 1.0


def test_a_second_run_exposes_state_and_randomness(pool: SandboxPool) -> None:
    source = (
        "import random\ndef predict(sentence, tokens):\n    n = len(tokens)\n    return [[random.random()] * n] * n\n"
    )
    assert failure(pool, source).code == "E0415"
    with SandboxPool(workers=1, limits=Limits(runs=1, seed=5)) as single:
        import random

        random.seed(5)
        assert single.run_program(source, None, table())[0, 0] == random.random()


def test_a_session_survives_a_killed_child(pool: SandboxPool) -> None:
    source = (
        "def predict(sentence, tokens):\n    while len(tokens) == 2: pass\n"
        "    return [[1.0] * len(tokens)] * len(tokens)\n"
    )
    with pool.session(prepare(source), Limits(seconds=0.3)) as session:
        assert session.run(table("a b c")).shape == (3, 3)
        with pytest.raises(SandboxError):
            session.run(table("a b"))
        assert session.run(table("a b c d")).shape == (4, 4)


def test_map_reports_every_job(pool: SandboxPool) -> None:
    sentences = [table("a b"), table("a b c")]
    crash = "def predict(s, t):\n    a = ()\n    for i in range(10**6): a = (a,)\n    {a: 1}\n"
    jobs = [
        Job(UNIFORM, sentences),
        Job(crash, sentences),
        Job("import os\n", sentences),
        Job(LIBRARY, sentences, "first"),
    ]
    seen: list[Any] = []
    reports = pool.map(jobs * 3, done=seen.append)
    assert len(seen) == 12
    assert [len(r.errors) for r in reports] == [0, 2, 2, 0] * 3
    assert {e.outcome for r in reports for e in r.errors} == {"died", "refused"}
    assert pool.alive()


def test_words_of_the_sentence(pool: SandboxPool) -> None:
    source = (
        "import spacy\n_nlp = None\ndef _get_nlp():\n    global _nlp\n    if _nlp is None:\n"
        "        _nlp = spacy.load('en_core_web_sm')\n    return _nlp\n"
        "def f(sentence, tokenizer):\n    doc = _get_nlp()(sentence)\n    n = len(doc)\n"
        "    return 'x', [[float(doc[q].head.i == k) + (doc[k].pos_ == 'NOUN') for k in range(n)] for q in range(n)]\n"
    )
    known = words()
    sentence = table(" ".join(known.text), parse=lambda text: known)
    got = pool.run_program(source, None, sentence)
    want = [[(known.head[q] == k) + (known.pos[k] == "NOUN") for k in range(7)] for q in range(7)]
    np.testing.assert_array_equal(got, want)
    with pytest.raises(SandboxError) as caught:
        pool.run_program(source, None, table())
    assert caught.value.code == "E0611"


def test_messages_are_clean() -> None:
    assert clean("\x1b[31ma\r\nb\u202ec\x00d at 0x7f00deadbeef") == "[31ma  bcd at 0x…"
    assert len(clean("x" * 10_000)) == 400


def test_values_defaults_are_strict() -> None:
    assert Values() == Values(nonfinite=False, negative=False, empty_rows=False)


@pytest.mark.parametrize("code", ["E0410", "E0411", "E0412", "E0413", "E0414", "E0415", "E0416", "E0417"])
def test_the_pages_of_codes_are_true(code: str) -> None:
    """The example of a page fails with its code, and the repaired one runs."""
    blocks = page(code)[1].split("```python\n")
    example, instead = (block.split("```")[0] for block in blocks[1:3])
    with pytest.raises(SandboxError) as caught:
        run(example, table().text, table(), seconds=0.5, megabytes=64)
    assert caught.value.code == code
    assert run(instead, table().text, table()).shape == (10, 10)


@pytest.mark.parametrize("code", ["E0112", "E0113", "E0115", "E0116", "E0117", "E0118"])
def test_the_pages_of_the_text_gate_are_true(code: str) -> None:
    blocks = page(code)[1].split("```python\n")
    example, instead = (block.split("```")[0] for block in blocks[1:3])
    with pytest.raises(SandboxError) as caught:
        prepare(example)
    assert caught.value.code == code
    prepare(instead)
