"""The built-in programs: complete, canonical, distinct, and each says what it claims."""

from collections import Counter

import pytest

from attndsl.dsl.checker import check
from attndsl.dsl.library import THEMES, builtin_programs, library_text
from attndsl.dsl.parser import parse_library
from attndsl.dsl.printer import to_text
from attndsl.dsl.source import SourceFile


@pytest.mark.parametrize("theme", THEMES)
def test_files_are_canonical(theme):
    text = library_text(theme)
    assert to_text(parse_library(SourceFile(f"{theme}.attn", text))) == text


def test_themes_are_exactly_the_files():
    from importlib import resources

    files = {entry.name for entry in resources.files("attndsl.dsl.library").iterdir() if entry.name.endswith(".attn")}
    assert files == {f"{theme}.attn" for theme in THEMES}


def test_names_are_unique_over_all_files():
    assert [name for name, count in Counter(p.name for p in builtin_programs()).items() if count > 1] == []


def test_each_program_makes_one_claim():
    for program in builtin_programs():
        assert len(program.claims) == 1, program.name
        assert program.claims[0].endswith("."), program.name


def test_claims_differ():
    causal = Counter(program.claims[0] for program in builtin_programs("causal"))
    assert [claim for claim, count in causal.items() if count > 1] == []


def test_programs_check_without_warnings():
    for program in builtin_programs():
        assert check(program).warnings == (), program.name


def test_most_programs_need_no_parser():
    typed = [check(program) for program in builtin_programs()]
    causal = [t for t in typed if t.causal]
    both_ways = [t for t in typed if not t.causal]
    assert sum(not t.needs_words for t in causal) >= 100
    assert sum(t.needs_words for t in causal) >= 12
    assert len(both_ways) >= 15
    assert not any(t.needs_words for t in both_ways)
    assert not any(t.hosts for t in typed)


def test_direction_filters():
    assert len(builtin_programs()) == len(builtin_programs("causal")) + len(builtin_programs("bidirectional"))
    assert {p.direction for p in builtin_programs("bidirectional")} == {"bidirectional"}


def test_unknown_theme():
    with pytest.raises(KeyError):
        library_text("nothing")
