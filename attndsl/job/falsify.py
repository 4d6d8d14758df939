"""Job: a counterexample of one program against a head, or against another program."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.choosing import choose, library_of
from attndsl.job.progress import Progress
from attndsl.runtime.falsify.judge import Head, Judge
from attndsl.runtime.falsify.report import Counterexample, counterexample, head_of_ids
from attndsl.runtime.falsify.rules import RuleKernel, lifted
from attndsl.runtime.falsify.search import Hunt, Limits, hunt
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import Pieces, TextMaker, passages, text_of, words_of_rule
from attndsl.runtime.library import builtin_library
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.program import Program

if TYPE_CHECKING:
    from attndsl.models.load import LoadedModel


@dataclass(frozen=True)
class Asked:
    """What is held against what: a program of ``file`` (None: a built-in one), and a ``head`` such as ``L5H3`` of
    ``model``, or the program ``against`` in place of a head. Without either, coverage alone can be had."""

    file: Path | None = None
    program: str = ""
    model: str = "smollm2-135m"
    revision: str | None = None
    head: str | None = None
    against: str | None = None
    bidirectional: bool = False


@dataclass(frozen=True)
class Search:
    """How to search: passages of ``corpus``, texts of ``least_tokens`` to ``most_tokens`` tokens, one ``seed``."""

    corpus: str = "stories"
    limits: Limits = field(default_factory=Limits)
    least_tokens: int = 2
    most_tokens: int = 48
    seed: int = 0


@dataclass
class Sides:
    """The two sides, loaded: the program, the head it is held against (None without one), and the tokenizer."""

    program: Program
    head: Head | None
    tokenizer: Any
    causal: bool
    names: str


@dataclass(frozen=True)
class Falsified:
    """The outcome of a search; ``counterexample`` is None when none was found within the limits."""

    asked: Asked
    sides: Sides
    hunt: Hunt
    counterexample: Counterexample | None
    rules: int

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import cell, counterexample_html

        said = f"<p>{cell(self.sides.names)}: {self.hunt.tried} texts tried</p>"
        return said + (counterexample_html(self.counterexample) if self.counterexample else "no counterexample")


def prepare(asked: Asked, progress: Progress) -> Sides:
    """Load both sides. Raises DiagnosticError E0801, E0810 (no such program), E0802 (not lifted), E0612, E0807."""
    from attndsl.models.load_tokenizer import load_tokenizer

    on_first_compile(progress.note)
    if asked.head is not None and asked.against is not None:
        raise fail("E0807", "both --head and --against are given", help="hold a program against one of the two")
    if asked.head is None:
        program = choose(library_of(asked.file, not asked.bidirectional), asked.program)
        lifted(program)
        tokenizer = load_tokenizer(asked.model, asked.revision, notify=progress.note)
        other = _other(asked) if asked.against is not None else None
        head = None if other is None else head_of_program(other, not asked.bidirectional)
        names = repr(program.name) if other is None else f"{program.name!r} against the program {other.name!r}"
        return Sides(program, head, tokenizer, not asked.bidirectional, names)
    choose(library_of(asked.file, not asked.bidirectional), asked.program)  # before a model is loaded for nothing
    with progress.step("loading the model"):
        loaded = _load(asked, progress)
    causal = loaded.info.causal
    program = choose(library_of(asked.file, causal), asked.program)
    lifted(program)
    heads = loaded.info.parse_heads(asked.head)
    if len(heads) != 1:
        raise fail("E0807", f"--head {asked.head!r} is not one head", help="name one, such as L5H3")
    from attndsl.models.batches import HeadPatterns

    head = head_of_ids(HeadPatterns(loaded, heads))
    return Sides(program, head, loaded.tokenizer, causal, f"{program.name!r} against {asked.head} of {asked.model}")


def _load(asked: Asked, progress: Progress) -> LoadedModel:
    from attndsl.models.load import load_model

    return load_model(asked.model, asked.revision, notify=progress.note)


def _other(asked: Asked) -> Program:
    """The program in place of a head: of the same file, or a built-in one."""
    library = library_of(asked.file, not asked.bidirectional)
    name = asked.against or ""
    return library[name] if name in library else choose(builtin_library(not asked.bidirectional), name)


def head_of_program(program: Program, causal: bool) -> Head:
    """A program in place of a head; a text on which it fails raises its DiagnosticError."""
    from attndsl.runtime.kernel import LibraryKernel

    kernel = LibraryKernel([program], causal)

    def run(tables: Any) -> Any:
        found = []
        for table in tables:
            predicted = kernel.predict(table)
            for error in predicted.errors.values():
                raise error
            found.append(predicted.patterns[0])
        return found

    return run


def falsify(asked: Asked, search: Search, progress: Progress) -> Falsified:
    """Search for a text on which the program and the head disagree, shrink it, and say which rule is to blame.

    Raises DiagnosticError as ``prepare``; E0807 without a head to hold the program against; E0808 when no passage of
    the corpus fits.
    """
    sides = prepare(asked, progress)
    if sides.head is None:
        raise fail("E0807", "there is nothing to hold the program against", help="give --head L5H3 or --against NAME")
    return hunt_and_explain(asked, sides, search, progress)


def hunt_and_explain(asked: Asked, sides: Sides, search: Search, progress: Progress) -> Falsified:
    """``falsify`` with both sides at hand."""
    assert sides.head is not None
    with progress.step("compiling the program with each rule left out"):
        kernel = RuleKernel(sides.program, sides.causal)
    judge = Judge(kernel, sides.head, sides.tokenizer, search.least_tokens, search.most_tokens)
    maker = text_maker(sides.program, kernel, search)
    check_corpus(judge, maker, search)
    with progress.bar("searching for a counterexample", search.limits.texts) as advance:
        state = hunt(judge, maker, search.limits, advance)
    if not state.found:
        return Falsified(asked, sides, state, None, len(kernel.rules))
    first = min(state.breaking, key=lambda trial: trial.iou)
    with progress.step(f"shrinking a text of {first.tokens} tokens"):
        shrunk = shrink(judge, first, state.threshold, maker.simple)
    with progress.step("looking for the rule to blame"):
        found = counterexample(judge, state, first, shrunk, sides.causal)
    return Falsified(asked, sides, state, found, len(kernel.rules))


def check_corpus(judge: Judge, maker: TextMaker, search: Search) -> None:
    """Raises DiagnosticError E0808 when no passage of the corpus has a length that is asked for."""
    if not any(judge.fits(text_of(pieces)) for pieces in maker.corpus):
        raise fail(
            "E0808", f"no passage of {search.corpus} has {search.least_tokens} to {search.most_tokens} tokens",
            help="give a corpus with other sentences, or change --min-tokens and --tokens",
        )  # fmt: skip


def text_maker(program: Program, kernel: RuleKernel, search: Search, words: Pieces = ()) -> TextMaker:
    """Texts from the passages of a corpus, the words of the program's rules, and further ``words``."""
    from attndsl.models.corpus import load_corpus

    most = max(2, search.most_tokens * 2 // 3)  # pieces; words are a token and a third on average
    corpus = passages([text.text for text in load_corpus(search.corpus)], most)
    if not corpus:
        raise fail("E0808", f"{search.corpus} has no passage of two words", help="give a corpus with sentences")
    typed = lifted(program)
    return TextMaker(corpus, [*(words_of_rule(typed, rule) for rule in kernel.rules), words], most, search.seed)
