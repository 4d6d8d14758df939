"""What an answer of a model holds, and what is told of a head."""

from __future__ import annotations

import numpy as np
import pytest
import scripted_run

from attndsl.runtime.library import builtin_library, load_text
from attndsl.synth.answers import Kind, read_answer
from attndsl.synth.categories import kinds_of
from attndsl.synth.identity import address_of
from attndsl.synth.llm.request import Answer, Outcome, Request
from attndsl.synth.llm.tokens import estimate
from attndsl.synth.summary import Budget, summary

GOOD = 'head "a" causal\nadd 1 to q - 1\n'
PYTHON = """\
import numpy as np
def f(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    n = len(tokens)
    m = np.zeros((n, n))
    for i in range(n):
        m[i, 0] = 1.0
    return "first", m
"""


def reading(text: str, outcome: Outcome = Outcome.ANSWERED):
    return read_answer(Answer(Request({"model": "m", "max_tokens": 1}), outcome, text), causal=True)


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        (f"Here:\n```attn\n{GOOD}```\ndone", Kind.GOOD, ["a"]),
        (f"```\n{GOOD}```", Kind.GOOD, ["a"]),
        (GOOD, Kind.GOOD, ["a"]),
        (f"It is this.\n\n{GOOD}", Kind.GOOD, ["a"]),
        (f"```python\n{PYTHON}```", Kind.GOOD, ["f"]),
        (f"```attn\n{GOOD}```\n```python\n{PYTHON}```", Kind.GOOD, ["a", "f"]),
        (f"```attn\n{GOOD}```\n```attn\nhead nonsense\n```", Kind.GOOD, ["a"]),
        ("```attn\nhead \"a\" causal\nadd 1 to Nowhere\n```", Kind.BROKEN, []),
        ("```attn\nhead \"a\" causal\nadd add\n```", Kind.BROKEN, []),
        ("```python\ndef f(:\n```", Kind.BROKEN, []),
        ("```python\n" + PYTHON.replace("m[i, 0]", "eval('1'); m[i, 0]") + "```", Kind.FORBIDDEN, []),
        ("```python\n" + PYTHON.replace("import numpy as np", "import os, numpy as np") + "    os.remove('x')\n```",
         Kind.FORBIDDEN, []),  # never reached, and refused all the same
        ("```python\n" + PYTHON.replace("n = len", "().__class__.__bases__\n    n = len") + "```", Kind.FORBIDDEN, []),
        ("```bash\nrm -rf /\n```", Kind.EMPTY, []),
        ("I cannot tell.", Kind.EMPTY, []),
        ("", Kind.EMPTY, []),
        ("```attn\n" + "(" * 5000 + "\n```", Kind.BROKEN, []),
    ],
)  # fmt: skip
def test_an_answer_is_sorted_by_its_programs(text: str, kind: Kind, names: list[str]) -> None:
    found = reading(text)
    assert (found.kind, [program.name for program in found.programs]) == (kind, names)
    assert bool(found.diagnostics) or kind in (Kind.GOOD, Kind.EMPTY)


def test_an_answer_that_was_cut_off_keeps_what_is_whole() -> None:
    whole, part = f"```attn\n{GOOD}```\n", '```attn\nhead "b" cau'
    assert [p.name for p in reading(whole + part, Outcome.TRUNCATED).programs] == ["a"]
    assert reading(part, Outcome.TRUNCATED).kind is Kind.TRUNCATED
    assert reading("", Outcome.REFUSED).kind is Kind.REFUSED


def test_equal_programs_have_one_address_whatever_they_are_called() -> None:
    texts = [
        'head "a" causal\nclaim "x"\nadd 0.50 to first # c\n', 'head "b" causal\nadd 0.5 to first\n',
        'head "a" causal\nadd 0.6 to first\n',
    ]  # fmt: skip
    one, two, other = [address_of(next(iter(load_text(t, "t", python=False).values()))) for t in texts]
    assert one == two != other


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("add 1 to q - 1", "position"),
        ("add 1 to last(k before q where k.text == q.text)", "copies"),
        ("add 1 to last(k before q where k.text == q.text) + 1", "induction"),
        ("add 1 to each k where (k - 1).text == q.text", "induction"),
        ('add 1 to first(k where k.text == "the")', "literals"),
        ("add 1 to each k where k.sentence == q.sentence", "layout"),
        ('add 1 to each k where k.pos == "NOUN"', "grammar"),
    ],
)
def test_the_kind_of_a_program_is_what_it_reads(body: str, kind: str) -> None:
    text = f'head "induction grammar copies" causal\nclaim "nouns"\n{body}\n'
    (program,) = load_text(text, "t", python=False).values()
    assert kinds_of(program)[0] == kind


def test_every_builtin_program_has_a_kind() -> None:
    assert "other" not in {kinds_of(program)[0] for program in builtin_library().values()}


@pytest.mark.parametrize("tokens", [60, 400, 3000])
def test_a_summary_keeps_to_its_budget(tokens: int) -> None:
    given = scripted_run.given()
    guess = [np.eye(len(example.table), dtype=np.float32) for example in given.train]
    text = summary(given.train, 0, predicted=guess, budget=Budget(tokens=tokens))
    assert estimate(text) <= tokens + estimate("(1000 lines left out)\n")
    assert ("left out" in text) == (tokens < 3000)


def test_a_summary_says_where_the_program_is_wrong() -> None:
    given = scripted_run.given()
    guess = [np.eye(len(example.table), dtype=np.float32) for example in given.train]
    lines = summary(given.train, 0, predicted=guess).splitlines()
    missed = lines[lines.index(next(line for line in lines if "misses" in line)) + 1]
    assert missed.endswith("(short word)") or "-> 0:" in missed  # head 0 rests on the first token
    assert any(line.startswith("all | ") for line in lines)
