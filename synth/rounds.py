"""A language model as a road: heads are shown, programs come back, are compiled and scored; what failed goes back with
its diagnostics, what did best goes back with the texts where it did worst.

All heads go through a round together, so that its requests can be one batch. Everything follows from the answers: the
same answers give the same requests and the same candidates, whoever asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import Diagnostic
from attndsl.runtime.program import Program
from attndsl.synth.answers import Kind, Reading, read_answer
from attndsl.synth.identity import address_of
from attndsl.synth.llm.request import Answer, Request
from attndsl.synth.measure import all_scores, own_scores, predictions
from attndsl.synth.prompt import first_question, next_question, repair_question, system_prompt
from attndsl.synth.road import Candidate, Example, Head, HeadPatterns, Provenance, Watch
from attndsl.synth.summary import Budget, summary

TRIED = 8
"""Programs of a head whose scores are told in the next round."""


class Writer(Protocol):
    """Whoever answers requests: the service, batches of it, a model on this machine, or a replay."""

    def ask(self, requests: list[Request]) -> list[Answer]: ...


@dataclass(frozen=True)
class RoundSettings:
    """``road`` names it in provenance. ``rounds`` per head, ``samples`` per head and round, ``repairs`` per answer. A
    head is done after ``patience`` rounds in a row that raise its train IoU by less than ``least_gain``, or at
    ``target``. ``texts`` are shown of a head, ``summary`` limits what is shown. ``extra`` goes into every request."""

    road: str
    model: str
    language: str = "attn"
    rounds: int = 3
    samples: int = 1
    repairs: int = 1
    patience: int = 1
    least_gain: float = 0.005
    target: float = 0.95
    max_tokens: int = 6000
    texts: int = 6
    summary: Budget = field(default_factory=Budget)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def most_requests(self) -> int:
        """Requests per head at most."""
        return self.rounds * self.samples * (1 + self.repairs)


@dataclass
class Tally:
    """What became of all answers, by kind, and of their programs."""

    answers: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, dict[str, int]]:
        return {"answers": dict(sorted(self.answers.items())), "programs": dict(sorted(self.programs.items()))}


@dataclass
class _State:
    """One head on its way."""

    head: Head
    place: int
    program: Program
    score: float
    per_text: NDArray[np.float64]
    address: str
    tried: list[tuple[float, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    stalled: int = 0
    done: bool = False


@dataclass(frozen=True, eq=False)
class _Asked:
    """A request with the head it is about, how many repairs it may still have, and what it was made from."""

    state: _State
    request: Request
    repairs: int
    parents: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rounds:
    """The road. ``writer`` answers, ``tally`` counts, ``before`` sees the first round's requests before they leave."""

    writer: Writer
    tally: Tally = field(default_factory=Tally)
    before: Callable[[list[Request]], None] = lambda requests: None

    def __call__(self, given: HeadPatterns, settings: RoundSettings, watch: Watch) -> Iterator[Candidate]:
        states = _starts(given)
        for number in range(settings.rounds):
            active = [state for state in states if not state.done]
            if not active:
                return
            asked = [_ask(given, settings, state, number, s) for state in active for s in range(settings.samples)]
            if number == 0:
                self.before([one.request for one in asked])
            scores = {state.head: state.score for state in active}
            while asked:
                answers = self.writer.ask([one.request for one in asked])
                readings = [read_answer(answer, given.causal) for answer in answers]
                found, failures = self._score(given, settings, asked, readings)
                yield from found
                asked = _repairs(settings, asked, readings, failures)
            for state in active:
                _end_round(settings, state, scores[state.head])
                watch(state.head, state.score)

    def _score(
        self, given: HeadPatterns, settings: RoundSettings, asked: Sequence[_Asked], readings: Sequence[Reading]
    ) -> tuple[list[Candidate], dict[int, tuple[Diagnostic, ...]]]:
        """Candidates of these answers, and for answers whose programs all failed at run time, why."""
        fresh: list[tuple[int, Program, str]] = []
        failures: dict[int, tuple[Diagnostic, ...]] = {}
        for index, (one, reading) in enumerate(zip(asked, readings, strict=True)):
            self.tally.answers[reading.kind] += 1
            self.tally.programs["left out"] += reading.left_out
            one.state.done |= reading.kind is Kind.UNSENT
            for program in reading.programs:
                address = address_of(program)
                self.tally.programs["known" if address in one.state.known else "new"] += 1
                if address not in one.state.known:
                    one.state.known.add(address)
                    fresh.append((index, program, address))
        if not fresh:
            return [], {}
        places = [asked[index].state.place for index, _, _ in fresh]
        scored = own_scores([program for _, program, _ in fresh], places, given.train, given.causal)
        found = []
        for number, (index, program, address) in enumerate(fresh):
            error = scored.errors.get(number)
            if error is not None:
                self.tally.programs["failed at run time"] += 1
                failures[index] = failures.get(index, ()) + error.diagnostics
            found.append(_taken(settings, asked[index], program, address, scored.iou[number]))
        worked = {index for number, (index, _, _) in enumerate(fresh) if number not in scored.errors}
        return found, {index: errors for index, errors in failures.items() if index not in worked}


def _taken(
    settings: RoundSettings, one: _Asked, program: Program, address: str, per_text: NDArray[np.float64]
) -> Candidate:
    """The candidate, and its head's best program brought up to date."""
    state, score = one.state, float(per_text.mean())
    state.tried.append((score, program.name))
    if score > state.score:
        state.program, state.score, state.per_text, state.address = program, score, per_text, address
    provenance = Provenance(settings.road, one.request.prompt_id, settings.model, one.request.sample, one.parents)
    return Candidate(state.head, program, provenance, score)


def _starts(given: HeadPatterns) -> list[_State]:
    """Every head with the best of the programs that are there already."""
    seeds = list(given.seeds)
    means = all_scores(seeds, len(given.heads), given.train, given.causal)
    best = [int(np.argmax(means[:, place])) for place in range(len(given.heads))]
    chosen = own_scores([seeds[i] for i in best], list(range(len(best))), given.train, given.causal)
    return [
        _State(head, place, seeds[i], float(means[i, place]), chosen.iou[place], address_of(seeds[i]))
        for place, (head, i) in enumerate(zip(given.heads, best, strict=True))
    ]


def _ask(given: HeadPatterns, settings: RoundSettings, state: _State, number: int, sample: int) -> _Asked:
    """The question about a head in a round: all kinds of texts first, later the worst and the best ones."""
    examples = _shown(given.train, state.per_text, settings.texts, extremes=number > 0)
    predicted = predictions(state.program, examples, given.causal)
    shown = summary(examples, state.place, predicted=predicted, budget=settings.summary)
    best = _text_of(state.program)
    if number == 0:
        text = first_question(shown, best, state.score)
    else:
        text = next_question(shown, best, state.score, sorted(state.tried, reverse=True)[:TRIED])
    messages = [{"role": "user", "content": text}]
    request = _request(settings, messages, given.causal, number * settings.samples + sample)
    return _Asked(state, request, settings.repairs, (state.address,))


def _shown(
    examples: Sequence[Example], per_text: NDArray[np.float64], texts: int, extremes: bool
) -> list[Example]:  # fmt: skip
    """Which texts are shown: in later rounds the worst for two thirds, the best for the rest, worst first."""
    if not extremes or len(examples) <= texts:
        order = list(np.argsort(per_text, kind="stable")) if extremes else list(range(len(examples)))
        return [examples[i] for i in order[:texts]]
    order = list(np.argsort(per_text, kind="stable"))
    best = texts // 3
    return [examples[i] for i in (*order[: texts - best], *order[len(order) - best :])]


def _request(settings: RoundSettings, messages: list[dict[str, Any]], causal: bool, sample: int) -> Request:
    params = {
        "model": settings.model,
        "max_tokens": settings.max_tokens,
        "system": list(system_prompt(settings.language, causal)),
        "messages": messages,
        **settings.extra,
    }
    return Request(params, sample)


def _repairs(
    settings: RoundSettings,
    asked: Sequence[_Asked],
    readings: Sequence[Reading],
    failures: dict[int, tuple[Diagnostic, ...]],
) -> list[_Asked]:
    """A further request for every answer that gave nothing usable: the talk so far, and what is wrong."""
    again = []
    for index, (one, reading) in enumerate(zip(asked, readings, strict=True)):
        broken = reading.kind in (Kind.BROKEN, Kind.FORBIDDEN, Kind.EMPTY, Kind.TRUNCATED)
        if one.repairs < 1 or not (broken or index in failures):
            continue
        text = reading.text.strip()
        if not text:
            continue
        diagnostics = failures.get(index) or reading.diagnostics
        messages = [
            *one.request.params["messages"],
            {"role": "assistant", "content": text},
            {"role": "user", "content": repair_question(diagnostics, not diagnostics)},
        ]
        params = {**one.request.params, "messages": messages}
        again.append(_Asked(one.state, Request(params, one.request.sample), one.repairs - 1, one.parents))
    return again


def _end_round(settings: RoundSettings, state: _State, before: float) -> None:
    state.stalled = 0 if state.score - before >= settings.least_gain else state.stalled + 1
    state.done |= state.stalled >= settings.patience or state.score >= settings.target


def _text_of(program: Program) -> str:
    if program.typed is not None:
        return f"```attn\n{program.to_attn()}```"
    return f"```python\n{program.source or ''}\n```"
