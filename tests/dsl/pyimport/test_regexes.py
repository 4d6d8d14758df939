r"""Constant regular expressions become questions to a text that have the answers of Python's ``re``."""

from __future__ import annotations

import ast
import re

import pytest

from attndsl.dsl.pyimport.lift import matching
from attndsl.dsl.pyimport.lift.regexes import Unknown, alternatives, of_mode

TEXTS = (
    *("", "\n", "a", "A", "ab", "Ab", "AB", "aB", "abc", "the", "The", "the\n", "\nthe", "thee", "bathe", "walking"),
    *("walking\n", "walked", "Ġthe", "▁The", "ĠĠx", "##ing", "1", "12", "12\n", "1.5", "1,000", "a1", "1a", "²", "٣"),
    *("٣٤", "_", "a_b", "-", "--", "it's", "'", '"', ".", "...", "?!", ",\n", " ", "  ", " \n", "\t", "a b", "é", "Éa"),
    *("你好", "🙂", "Ċ", "[SEP]", "[CLS]", "<s>", "(", ")", "a.b", "ABC1", "x\ny", "\u2028", "\x1f", "ſ", "ß"),
)
SAID = (
    *(r"the", r"^the$", r"^the", r"the$", r"^(the|a|ab)$", r"(ing|ed)$", r"^[A-Z]", r"[A-Z]", r"^[A-Z]+$"),
    *(r"^[A-Z][a-z]+$", r"^[A-Z][a-z]*", r"[a-z]+$", r"^[a-zA-Z]+$", r"[^a-zA-Z]", r"^[^a-zA-Z]+$", r"^[^a-z]", r"\d"),
    *(r"^\d+$", r"^\d{2}$", r"\d+", r"^\d{1,3}", r"^\D+$", r"\D", r"^\w+$", r"\w", r"^\W+$", r"^\W*$", r"\W", r"^\s*$"),
    *(
        r"\s",
        r"^\S+$",
        r"[^\w\s]",
        r"^[^\w\s]+$",
        r"^[\w']+$",
        r"^[\d.,]+$",
        r"[.!?]",
        r"^[.!?]$",
        r"[.!?]$",
        r"^\[.*\]$",
    ),
    *(r"^\[", r"^[Ġ▁]", r"^[Ġ▁]?[A-Z]", r"^[Ġ▁]?[a-z]{2,3}$", r"^Ġ?the$", r"^##", r"^.$", r"^..", r"", r"a*", r"^a?$"),
    *(r"(?:the|a)s?", r"^(?:a|b)?c", r"\Athe\Z", r"the\Z", r"^[-_]+$", r"'s$", r"^\"$", r"^[\"'“”]+$", r"^ ", r"a.?"),
    *(
        r"[0-9]",
        r"^[0-9]+$",
        r"^[a-z]+[A-Z]$",
        r"^a[^b]*c$",
        r"^x+?$",
        r"\.$",
        r"^\.{3}$",
        r"é",
        r"^(a|b|)$",
        r"^[\s.]+$",
        r"^(a|b)(c|d)(e|f)(g|h)(i|j)$",
        f"[{'ab' * 199}]",
        r"[\u4e00-\u5000]",
        r"(?:^)?a",
    ),
)
NOT_SAID = (
    *(r"(\w)\1", r"(?i)the", r"\bthe\b", r"a(?=b)", r"(?<!a)b", r"(ab)+", r"^[a-z]+[A-Z]+$", r"\d+\.\d+", r"a{2,}.*b"),
    *(r"[a-z][A-Z]", r"(", r"*", r"x" * 500, r"(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)", r"a$b", r"a^", r"(?s).", r"^\w+\d+$"),
    *(r"(?i:the)", r"(?-i:the)", r"(?:^)*a", f"[{'ab' * 199}a]", r"[\u4e00-\u9fff]", r"[5\D]", r"[^\D]", r"$a"),
)


def said(pattern: str, mode: str) -> ast.expr:
    return matching._any([matching._question(of_mode(mode, a), matching._name()) for a in alternatives(pattern)])


@pytest.mark.parametrize("mode", matching.MODES)
@pytest.mark.parametrize("pattern", SAID)
def test_a_pattern_has_the_answers_of_python(pattern: str, mode: str) -> None:
    try:
        question = said(pattern, mode)
    except Unknown:
        assert mode == "search", pattern  # a pattern of several characters that are not all known
        return
    tree = ast.fix_missing_locations(ast.Expression(question))
    code = compile(tree, "<own test>", "eval")
    for text in TEXTS:
        want = getattr(re, mode)(pattern, text) is not None
        assert bool(eval(code, {matching._TEXT: text})) == want, (text, ast.unparse(question))


@pytest.mark.parametrize("pattern", SAID)
def test_these_patterns_are_matched(pattern: str) -> None:
    said(pattern, "match")


@pytest.mark.parametrize("pattern", NOT_SAID)
def test_other_patterns_are_not_said(pattern: str) -> None:
    with pytest.raises(Unknown):
        said(pattern, "search")


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        ("[.,]", ""),
        ("[.,]+", ""),
        ("^Ġ", ""),
        ("^[Ġ▁]+", ""),
        ("^[Ġ▁]", ""),
        ("a", "b"),
        ("[aA]", "x"),
        ("Ġ|▁", ""),
        ("e", ""),
        ("[Ġ▁]|^##", ""),
        ("^##|^Ġ|^▁", ""),
        ("^(##|Ġ|▁)", ""),
        ("^(Ġa|Ġ)|▁", ""),
        ("##|Ġ", " "),
        ("ab", ""),
    ],
)
def test_characters_are_replaced_as_python_does(pattern: str, new: str) -> None:
    tree = ast.fix_missing_locations(ast.Expression(matching._without(alternatives(pattern), new)))
    code = compile(tree, "<own test>", "eval")
    for text in TEXTS:
        assert eval(code, {matching._TEXT: text}) == re.sub(pattern, new, text)


@pytest.mark.parametrize(
    ("pattern", "new"), [("[.,]+", "x"), ("a$", ""), (r"\d", ""), ("[^a]", ""), ("[ab]", "a"),
     ("ab|ba", ""), ("^#|#", ""), ("^Ġ", "x"),
     ("Ġa|a", ""), ("Ġ$|a", "")]
)
def test_other_replacements_are_not_said(pattern: str, new: str) -> None:
    with pytest.raises(Unknown):
        matching._without(alternatives(pattern), new)
