"""What is a program and what is its helper, which ``try`` cannot fail, and which cached functions give the same."""

import pytest

from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module

HEAD = """import numpy as np
import functools
from functools import cache, lru_cache

"""
USED = """
def example(sentence, tokenizer):
    n = len(tokenizer(sentence).input_ids)
    return "example", np.eye(n) * helper("a")
"""


def codes(source: str) -> list[str]:
    """The codes of what is wrong with the file's programs."""
    found = check_module(read_module(HEAD + source, "file.py"))
    return sorted({d.code for check in found.values() for d in check.diagnostics})


def programs(source: str) -> list[str]:
    return list(read_module(HEAD + source, "file.py").programs)


LOADED = USED.replace('helper("a")', "len(helper()(sentence))")
HELPER = """
def tokens_of(sentence, tokenizer):
    return tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
"""


def test_a_helper_that_takes_the_sentence_and_the_tokenizer_is_no_program() -> None:
    caller = '\ndef example(sentence, tokenizer):\n    return "example", np.eye(len(tokens_of(sentence, tokenizer)))\n'
    assert programs(HELPER + caller) == ["example"]
    assert programs(HELPER) == ["tokens_of"]  # which returns no pair, and says so


def test_a_program_stays_one_that_others_call_or_that_the_script_runs() -> None:
    named = '\ndef first(sentence, tokenizer):\n    return "first", np.eye(len(tokenizer(sentence).input_ids))\n'
    caller = '\ndef second(sentence, tokenizer):\n    return "second", first(sentence, tokenizer)[1]\n'
    assert programs(named + caller) == ["first", "second"]
    label = named.replace('return "first",', 'label = "first"\n    return label,')
    assert programs(label) == ["first"]
    assert programs(label + '\nif __name__ == "__main__":\n    print(first("a", None))\n') == ["first"]


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("import spacy\n    NLP = spacy.load('en_core_web_sm')", True),
        ("import spacy", True),
        ("import spacy\n    NLP = spacy.load('en_core_web_sm')\n    K = int('x')", False),
        ("import spacy\n    NLP = open('en_core_web_sm')", False),
    ],
)
def test_a_try_that_cannot_fail_is_read_without_its_handlers(statement: str, read: bool) -> None:
    source = f"try:\n    {statement}\nexcept Exception:\n    NLP = None\nelse:\n    DONE = 1\nfinally:\n    LAST = 2\n"
    module = read_module(HEAD + source + USED, "file.py")
    assert [d.code for d in module.diagnostics] == ([] if read else ["E0144"])
    assert ("DONE" in module.constants, "LAST" in module.constants) == (read, read)


LOAD = "spacy.load('en_core_web_sm')"


@pytest.mark.parametrize("decorator", ["@cache", "@lru_cache(maxsize=1)", "@functools.lru_cache", "@functools.cache"])
@pytest.mark.parametrize(
    "body",
    [
        f"import spacy\n    return {LOAD}",
        f"return {LOAD}",
        f"nlp = {LOAD}\n    return nlp",
        f"try:\n        return {LOAD}\n    except OSError:\n        return None",
        "return 1",
    ],
)
def test_a_cached_loader_of_the_pipeline_is_read(decorator: str, body: str) -> None:
    assert codes(f"import spacy\n\n{decorator}\ndef helper():\n    {body}\n{LOADED}") == []


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ("x", "return 1"),
        ("x=1", "return x"),
        ("*x", "return 1"),
        ("", "return str(1)"),
        ("", "return 1 if SEEN else 2"),
        ("", "if SEEN:\n        return 1\n    return 2"),
    ],
)
def test_a_cached_function_that_gives_numbers_or_texts_is_read(given: str, body: str) -> None:
    assert codes(f"import spacy\nSEEN = 0\n\n@cache\ndef helper({given}):\n    {body}\n{LOADED}") == []


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ("*x", "return x"),
        ("**x", "return 1"),
        ("", "return []"),
        ("", "nlp = []\n    return nlp"),
        ("", f"nlp = {LOAD}\n    nlp = [nlp]\n    return nlp"),
        ("", "return np.zeros(3) == 0"),
        ("", "return (lambda: 1)"),
        ("", "yield 1"),
        ("x", "return x if SEEN else [1]"),
    ],
)
def test_other_cached_functions_are_refused(given: str, body: str) -> None:
    source = f"import spacy\nSEEN = 0\n\n@cache\ndef helper({given}):\n    {body}\n{LOADED}"
    assert "E0129" in codes(source)  # beside what refuses some of them anyway


def test_a_cached_function_that_sets_a_global_is_refused() -> None:
    source = f"SEEN = 0\n\n@cache\ndef helper():\n    global SEEN\n    SEEN = 1\n    return 1\n{LOADED}"
    assert "E0129" in codes(source)


def test_other_decorators_are_refused() -> None:
    assert codes(f"@np.vectorize\ndef helper(x):\n    return 1\n{USED}") == ["E0129"]
