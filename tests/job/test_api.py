"""The names that outside code uses: ``load_library``, ``Program.predict``, ``score``, ``replace_heads``, ``iou``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attndsl
from attndsl.cli.main import run
from attndsl.runtime.tokenize import token_table_of_ids

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = "The fox ran to the river."


@pytest.fixture(scope="module")
def loaded(made: Path) -> Any:
    return attndsl.load_model(str(made / "llama"))


def test_everything_promised_is_there() -> None:
    for name in attndsl.__all__:
        assert getattr(attndsl, name) is not None
    assert set(attndsl.__all__) <= set(dir(attndsl))
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = attndsl.nothing_such


def test_importing_costs_nothing() -> None:
    heavy = ("torch", "numpy", "lark", "typer", "transformers")
    code = f"import attndsl, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_library_is_a_mapping(made: Path) -> None:
    library = attndsl.load_library([made / "programs.attn"])
    assert list(library) == ["previous, or the first", "even"]
    program = library["even"]
    assert (program.outcome, program.diagnostics) == ("lifted", ())
    assert program.to_attn() == 'head "even" causal\nshare 1 over each k\nnormalize rows\n'
    with pytest.raises(KeyError):
        library["odd"]
    with pytest.raises(attndsl.DiagnosticError) as raised:
        attndsl.load_library([made / "missing.attn"])
    assert raised.value.diagnostics[0].code == "E0801"


@pytest.mark.parametrize("backend", ["auto", "interpreter", "numpy", "numba", "torch", "sandbox"])
def test_a_text_without_tokens_has_no_pattern(backend: str, made: Path, loaded: Any) -> None:
    program = attndsl.load_library(made / "programs.attn")["even"]
    with pytest.raises(attndsl.DiagnosticError) as raised:
        program.matrix(token_table_of_ids([], loaded.tokenizer, None), backend)
    assert raised.value.diagnostics[0].code == "E0530"


@pytest.mark.parametrize("backend", ["auto", "interpreter", "numpy", "numba", "torch"])
def test_predictions(backend: str, made: Path, loaded: Any) -> None:
    program = attndsl.load_library(made / "programs.attn")["previous, or the first"]
    pattern = program.predict(TEXT, loaded.tokenizer, backend=backend)
    n = len(loaded.tokenizer(TEXT)["input_ids"])
    expected = 0.6 * np.eye(n, k=-1)
    expected[:, 0] += 0.4
    expected[0] = np.eye(n)[0]
    assert pattern.dtype == np.float32
    np.testing.assert_allclose(pattern, expected, atol=1e-6)


def test_normalisation_of_causal_and_bidirectional_programs(tmp_path: Path, loaded: Any) -> None:
    path = tmp_path / "x.attn"
    path.write_text('head "x"\nadd 2 to q + 1\nadd -1 to self\nadd 1 to first when q > 2\n', encoding="utf-8")
    causal, both = attndsl.load_library(path)["x"], attndsl.load_library(path, causal=False)["x"]
    raw = both.predict(TEXT, loaded.tokenizer, raw=True)
    n = len(raw)
    assert (raw[0, 0], raw[0, 1], raw[3, 0]) == (-1, 2, 1)
    np.testing.assert_array_equal(causal.predict(TEXT, loaded.tokenizer, raw=True), raw)
    np.testing.assert_array_equal(
        causal.predict(TEXT, loaded.tokenizer), np.eye(1, n, 0, dtype=np.float32).repeat(n, 0)
    )
    two = both.predict(TEXT, loaded.tokenizer)
    np.testing.assert_allclose(two[3, [0, 4]], [1 / 3, 2 / 3], atol=1e-6)
    np.testing.assert_allclose(two.sum(axis=1), 1, atol=1e-6)


def test_scores_of_stored_patterns(place: Path, loaded: Any) -> None:
    arguments = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn"]
    assert run(["score", "llama", *arguments, "--out", "run", "--table", "t.json", "--quiet"]) == 0
    (store,) = [path for path in Path("run/patterns").iterdir() if path.is_dir()]
    table = attndsl.score(attndsl.load_library("programs.attn"), store)
    by_command = attndsl.score(attndsl.load_library("programs.attn"), store, loaded.tokenizer)
    assert table.rows() == by_command.rows()
    assert len(table) == 12
    assert set(table["program"]) <= {"previous, or the first", "even"}


def test_heads_are_replaced_and_restored(made: Path, loaded: Any) -> None:
    import torch

    program = attndsl.load_library(made / "programs.attn")["even"]
    ids = loaded.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        before = loaded.model(ids).logits
        with attndsl.replace_heads(loaded.model, loaded.tokenizer, {(1, 0): program}):
            inside = loaded.model(ids).logits
        after = loaded.model(ids).logits
    assert torch.equal(before, after)
    assert not torch.allclose(before, inside, atol=1e-4)


def test_similarities() -> None:
    a, b = np.eye(3), np.full((3, 3), 1 / 3)
    assert attndsl.iou(a, a) == 1
    assert attndsl.iou(a, b) == pytest.approx(1 / 5)
    assert attndsl.jensen_shannon(a, a) == pytest.approx(0)


def test_a_program_shows_itself_in_one_line() -> None:
    library = attndsl.load_library(EXAMPLES / "written_by_llm.py")
    assert repr(library["previous_token"]) == "<Program 'previous_token': lifted>"
    assert repr(library["previous_verb"]) == "<Program 'previous_verb': refused, E0220>"
