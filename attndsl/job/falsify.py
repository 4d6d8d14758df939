"""Jobs on one program: counterexamples against a head, their files, and rule coverage."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.choosing import choose, library_of
from attndsl.job.progress import Progress
from attndsl.job.stages import write_text
from attndsl.runtime.falsify.coverage import Coverage, rule_coverage
from attndsl.runtime.falsify.judge import Head, Judge
from attndsl.runtime.falsify.report import Counterexample, counterexample, head_of_ids
from attndsl.runtime.falsify.rules import RuleKernel, lifted
from attndsl.runtime.falsify.search import Hunt, Limits, hunt
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import TextMaker, passages, words_of_rule
from attndsl.runtime.library import builtin_library
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.program import Program
from attndsl.runtime.tokenize import token_table

if TYPE_CHECKING:
    from attndsl.models.load import LoadedModel

_KEYS = ("file", "program", "model", "revision", "head", "against", "text", "below")


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
    if asked.against in library:
        return library[asked.against]
    return choose(builtin_library(not asked.bidirectional), asked.against or "")


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


# ---------------------------------------------------------------- counterexamples


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
    if not judge(maker.corpus[:1]) and not any(judge(maker.corpus)):
        raise fail(
            "E0808", f"no passage of {search.corpus} has {search.least_tokens} to {search.most_tokens} tokens",
            help="give a corpus with other sentences, or change --min-tokens and --tokens",
        )  # fmt: skip
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


def text_maker(program: Program, kernel: RuleKernel, search: Search) -> TextMaker:
    """Texts from the passages of a corpus and the words of the program's rules."""
    from attndsl.models.corpus import load_corpus

    most = max(2, search.most_tokens * 2 // 3)  # pieces; words are a token and a third on average
    corpus = passages([text.text for text in load_corpus(search.corpus)], most)
    if not corpus:
        raise fail("E0808", f"{search.corpus} has no passage of two words", help="give a corpus with sentences")
    typed = lifted(program)
    return TextMaker(corpus, [words_of_rule(typed, rule) for rule in kernel.rules], most, search.seed)


# ---------------------------------------------------------------- files that replay


def save(found: Falsified, path: Path) -> None:
    """Write a counterexample as a file that ``replay`` runs again. Raises DiagnosticError E0805."""
    example = found.counterexample
    assert example is not None
    asked = found.asked
    content = {
        "file": None if asked.file is None else str(asked.file), "program": found.sides.program.name,
        "model": asked.model, "revision": asked.revision, "head": asked.head, "against": asked.against,
        "bidirectional": asked.bidirectional, "text": example.trial.text, "below": example.threshold,
        "iou": example.trial.iou, "blamed": example.suspects[0].rule.text if example.suspects else None,
    }  # fmt: skip
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class Replayed:
    """A counterexample run again."""

    names: str
    text: str
    below: float
    iou: float
    error: str | None

    @property
    def breaks(self) -> bool:
        return self.iou < self.below


def replay(path: Path, file: Path | None, progress: Progress) -> Replayed:
    """Run a counterexample again, with the program of ``file`` in place of the recorded file when it is given.

    Raises DiagnosticError E0850 (no such file, or not a counterexample), and as ``prepare``.
    """
    content = _read(path)
    recorded = None if content["file"] is None else Path(content["file"])
    asked = Asked(
        file or recorded, content["program"], content["model"], content["revision"], content["head"],
        content["against"], bool(content.get("bidirectional")),
    )  # fmt: skip
    sides = prepare(asked, progress)
    assert sides.head is not None
    judge = Judge(RuleKernel(sides.program, sides.causal), sides.head, sides.tokenizer, 1, 1 << 20)
    (trial,) = judge([(content["text"],)])
    error = None if trial.error is None else str(trial.error)
    return Replayed(sides.names, content["text"], content["below"], trial.iou, error)


def _read(path: Path) -> Any:
    help = "attndsl falsify --out FILE writes one"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise fail("E0850", f"cannot read {path}: {(error.strerror or str(error)).lower()}", help=help) from error
    except ValueError as error:
        raise fail("E0850", f"{path} is not a counterexample: it is not JSON", help=help) from error
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing or not isinstance(content["text"], str) or not isinstance(content["below"], int | float):
        raise fail("E0850", f"{path} is not a counterexample: it has no {missing[0] if missing else 'text'}", help=help)
    if not content["text"].strip() or (content["head"] is None) == (content["against"] is None):
        raise fail("E0850", f"{path} is not a counterexample: it names no text or not one head", help=help)
    return content


# ---------------------------------------------------------------- coverage


def coverage(asked: Asked, corpus: str, texts: int, tokens: int, progress: Progress) -> Coverage:
    """Rule coverage of a program on the held-out texts of a corpus, cut to ``tokens`` tokens.

    Raises DiagnosticError as ``prepare``, and E0808 when the corpus has no such text.
    """
    from attndsl.models.corpus import load_corpus
    from attndsl.models.encode import cut_texts

    found = [text for text in load_corpus(corpus) if text.split == "heldout"]
    sides = prepare(asked, progress)
    kept, _ = cut_texts(found, sides.tokenizer, max_tokens=tokens, min_tokens=2)
    if not kept:
        raise fail("E0808", f"no heldout text of {corpus} has 2 tokens", help="give a corpus with longer texts")
    tables = [token_table(text.text, sides.tokenizer) for text in kept[:texts]]
    patterns = None
    if sides.head is not None:
        with progress.step("running the head"):
            patterns = sides.head(tables)
    with progress.bar("running the rules", len(tables)) as advance:
        return rule_coverage(sides.program, tables, sides.causal, patterns, advance)
