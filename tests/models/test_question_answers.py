"""Questions from files, and answers by log-probability against a plain computation of each option alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny import CAUSAL, byte_bpe, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.answers import option_scores, right_answers
from attndsl.models.questions import Question, load_questions, sampled

pytestmark = pytest.mark.integration

ASKED = Question("Q: Where does the fox run?\nA:", (" to the river", " up", " into the song of the river"), 2)


@pytest.mark.parametrize("name", CAUSAL)
def test_scores_are_those_of_each_option_alone(name: str) -> None:
    """Padding, a shared prompt and logits for the last positions only must change nothing."""
    model, tokenizer = tiny_model(name), byte_bpe()
    found = option_scores(model, tokenizer, ASKED)
    for option, score in zip(ASKED.options, found, strict=True):
        ids = torch.tensor([tokenizer(ASKED.prompt + option)["input_ids"]])
        prompt = len(tokenizer(ASKED.prompt)["input_ids"])
        assert ids[0, :prompt].tolist() == tokenizer(ASKED.prompt)["input_ids"]
        with torch.no_grad():
            chances = model(ids).logits[0].double().log_softmax(-1)
        wanted = sum(float(chances[place - 1, ids[0, place]]) for place in range(prompt, ids.shape[1]))
        assert score == pytest.approx(wanted, abs=1e-4)  # float32 logits of a few nats, summed over some tokens
    right = right_answers(model, tokenizer, [ASKED])
    assert right.tolist() == [float(found.argmax() == 2)]


def test_a_prompt_whose_last_token_grows_into_the_option_is_cut_before_it() -> None:
    class Merging:
        def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
            return {"input_ids": [{"ab": 3, "abc": 4}.get(word, len(word)) for word in text.split("|")]}

    model = tiny_model("llama")
    asked = Question("x|ab", ("c", "c|d"), 0)
    with torch.no_grad():
        chances = model(torch.tensor([[1, 4]])).logits[0].double().log_softmax(-1)
    assert option_scores(model, Merging(), asked)[0] == pytest.approx(float(chances[0, 4]), abs=1e-5)


def test_the_three_forms_of_a_question(tmp_path: Path) -> None:
    rows = [
        {"goal": "g", "sol1": "a", "sol2": "b", "label": 1},
        {"context": "c.", "question": "q?", "answerA": "x", "answerB": "y", "answerC": "z", "correct": "B"},
        {"question": "w?", "choices": ["m", "n"], "answer": 0},
    ]
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert load_questions(file) == [
        Question("Question: g\nAnswer:", (" a", " b"), 1),
        Question("Q: c. q?\nA:", (" x", " y", " z"), 1),
        Question("Question: w?\nAnswer:", (" m", " n"), 0),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "", "[1]", "{", '{"goal": "g", "sol1": "a", "sol2": "b", "label": 2}', '{"question": "w?", "answer": 0}',
        '{"question": "w?", "choices": "mn", "answer": 0}', '{"question": "w?", "choices": ["m", " "], "answer": 0}',
        '{"context": "c", "question": "q", "answerA": "x", "answerB": "y", "correct": "C"}',
    ],
)  # fmt: skip
def test_lines_that_are_no_question(line: str, tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(line)
    with pytest.raises(DiagnosticError) as refused:
        load_questions(file)
    assert refused.value.diagnostics[0].code == "E0644"
    with pytest.raises(DiagnosticError, match="E0644"):
        load_questions(tmp_path / "missing.jsonl")


def test_a_sample_is_seeded_and_keeps_the_order() -> None:
    many = [Question(str(i), (" a", " b"), 0) for i in range(50)]
    some = sampled(many, 10, seed=3)
    assert some == sampled(many, 10, seed=3) != sampled(many, 10, seed=4)
    assert [int(q.prompt) for q in some] == sorted({int(q.prompt) for q in some})
    assert sampled(many, 50, seed=0) == sampled(many, None, seed=0) == many
