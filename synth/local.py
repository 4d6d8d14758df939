"""A Hugging Face causal model on this machine, whose every sample parses.

At each step the tokens that the grammar does not allow are taken out before one is drawn. The model may run on; so the
decoder notes where the text so far is a whole program, and a sample that reaches its limit is cut there. The grammar is
the language's own with a narrower beginning (one program of one to twelve rules), so whatever passes it, parses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.grammar import grammar_text
from attndsl.synth.llm.ledger import Ledger
from attndsl.synth.llm.request import Answer, Request, answer_of

MOST_RULES = 12
LONGEST_TEXT = 80
"""Characters of a name, claim or literal: a small model would never close some of them."""


def decoding_grammar(causal: bool) -> str:
    """The language's grammar, narrowed to one program that a small model can finish; text in Lark's notation.

    What refers to something that must have been declared (names of definitions and matrices, other variables than q and
    k, relations of a host) is left out with its declarations: no grammar of this kind can ask for the one before the
    other, and a text that parses and does not check is of no use.
    """
    head = '"head" STRING "causal"' if causal else '"head" STRING'
    narrow = {
        r"^start: .*$": "start: program",
        r"^program: .*$": f"program: {head} claim rule~1..{MOST_RULES} normalize?",
        r"^STRING: .*$": rf'STRING: /"([^"\\\n\r]|\\["\\nrt]){{1,{LONGEST_TEXT}}}"/',
        r"^NUMBER: .*$": r"NUMBER: /[0-9]{1,3}(\.[0-9]{1,3})?/",
        r"^VAR: .*$": "VAR: /[qk]/",
        r"^%ignore /.*$": r"%ignore /[ \n]{1,4}/",
        r"^%ignore COMMENT$": "",
        r"^COMMENT: .*$": "",
        r'sum "in" sum ': 'sum "in" "{" arguments "}" ',
        r'sum "not" "in" sum ': 'sum "not" "in" "{" arguments "}" ',
        r" of\?": "",
        r"^of: .*$": "",
        r"^ +\| NAME .*$": "",
        r'^ +\| "host" .*$': "",
    }
    text = grammar_text()
    for line, instead in narrow.items():
        text, changed = re.subn(line, instead.replace("\\", r"\\"), text, flags=re.MULTILINE)
        if not changed:
            raise AssertionError(f"the grammar has no line {line!r} to narrow")
    return text


DRAWN_AGAIN = 4


@dataclass(frozen=True)
class Sampling:
    """``temperature`` of the draw, ``batch`` samples at once, ``seed`` of all of them."""

    temperature: float = 0.8
    batch: int = 16
    seed: int = 0


class LocalModel:
    """Samples programs from ``model``, a causal model of transformers, with its fast ``tokenizer``.

    Raises DiagnosticError E0908 (llguidance is not installed), E0912 (the tokenizer cannot be constrained).
    """

    def __init__(self, model: Any, tokenizer: Any, causal: bool, sampling: Sampling | None = None) -> None:
        try:
            import llguidance
            import llguidance.hf
        except ImportError as error:
            raise fail(
                "E0908", "constrained decoding needs the llguidance package, which is not installed",
                help="pip install 'attndsl[llm]'",
            ) from error  # fmt: skip
        self._guidance = llguidance
        self.model, self.tokenizer = model, tokenizer
        self.sampling = sampling or Sampling()
        self.vocabulary = int(model.config.vocab_size)
        try:
            self._pieces = llguidance.hf.from_tokenizer(tokenizer, n_vocab=self.vocabulary)
        except (ValueError, TypeError) as error:
            raise _cannot(str(error)) from error
        self._grammar = llguidance.LLMatcher.grammar_from_lark(decoding_grammar(causal))
        why = llguidance.LLMatcher.validate_grammar(self._grammar, self._pieces)
        if why:
            raise _cannot(why)

    def sample(self, prompt: str, seeds: Sequence[int], max_tokens: int) -> list[str]:
        """One text for every seed; each parses. A seed gives the same text in every batch of the same size.

        A sample that is no whole program anywhere before its limit is drawn again, ``DRAWN_AGAIN`` times at most; after
        that it is "".
        """
        texts = self._draw_all(prompt, seeds, max_tokens)
        for again in range(1, DRAWN_AGAIN + 1):
            open_ = [i for i, text in enumerate(texts) if not text.strip()]
            if not open_:
                break
            redrawn = self._draw_all(prompt, [_next_seed(seeds[i], again) for i in open_], max_tokens)
            for i, text in zip(open_, redrawn, strict=True):
                texts[i] = text
        return texts

    def _draw_all(self, prompt: str, seeds: Sequence[int], max_tokens: int) -> list[str]:
        import torch

        runs = [_Run(self._guidance.LLMatcher(self._pieces, self._grammar), seed) for seed in seeds]
        ids = self.tokenizer(prompt, return_tensors="pt").input_ids.to(self.model.device)
        with torch.no_grad():
            found = self.model(ids, use_cache=True)
            cache = found.past_key_values
            cache.batch_repeat_interleave(len(runs))
            logits = found.logits[:, -1].float().cpu().numpy().repeat(len(runs), axis=0)
            for _ in range(max_tokens):
                step = [self._draw(run, row) for run, row in zip(runs, logits, strict=True)]
                if all(run.finished for run in runs):
                    break
                found = self.model(
                    torch.tensor(step, device=ids.device)[:, None], past_key_values=cache, use_cache=True
                )
                logits = found.logits[:, -1].float().cpu().numpy()
        return [self.tokenizer.decode(run.whole, skip_special_tokens=True).strip() + "\n" for run in runs]

    def _draw(self, run: _Run, logits: NDArray[np.float32]) -> int:
        """The next token of a run; anything for one that has ended, whose row is ignored."""
        if run.finished:
            return 0
        allowed = np.frombuffer(run.matcher.compute_bitmask(), dtype=np.uint8)
        bits = np.unpackbits(allowed, bitorder="little")[: len(logits)].astype(bool)
        if run.matcher.is_accepting() and not bits.any():
            run.finished = True
            return 0
        scores = np.where(bits, logits / max(self.sampling.temperature, 1e-6), -np.inf)
        weights = np.exp(scores - scores.max())
        total = np.cumsum(weights, dtype=np.float64)
        token = int(np.searchsorted(total, run.random.random() * total[-1], side="right"))
        if not run.matcher.consume_token(token):
            raise AssertionError(f"the grammar refused a token that it allowed: {run.matcher.get_error()}")
        run.take(token, self.tokenizer.eos_token_id)
        return token


class _Run:
    """One sample in progress: ``whole`` is the longest beginning that is a whole program."""

    def __init__(self, matcher: Any, seed: int) -> None:
        self.matcher = matcher
        self.random = np.random.default_rng(seed)
        self.tokens: list[int] = []
        self.whole: list[int] = []
        self.finished = False

    def take(self, token: int, end: int | None) -> None:
        if token == end or self.matcher.is_stopped():
            self.finished = True
            if token == end:
                self.whole = list(self.tokens)
                return
        self.tokens.append(token)
        if self.matcher.is_accepting():
            self.whole = list(self.tokens)


def _next_seed(seed: int, again: int) -> int:
    return int(np.random.default_rng([seed, again]).integers(2**62))


def _cannot(why: str) -> DiagnosticError:
    return fail(
        "E0912", f"the local model cannot be constrained by the grammar: {why}",
        help="take a model with a fast tokenizer (tokenizer.json)",
    )  # fmt: skip


class LocalWriter:
    """Answers requests with a ``LocalModel``; known answers come from the ledger, new ones go into it, at no cost."""

    def __init__(
        self, model: LocalModel, ledger: Ledger, settled: Callable[[Answer], None] = lambda answer: None
    ) -> None:
        self.model, self.ledger, self.settled = model, ledger, settled

    def ask(self, requests: list[Request]) -> list[Answer]:
        """Answers in the order of the requests; samples of one prompt are drawn together."""
        found = {r.id: answer for r in requests if (answer := self.ledger.answer(r)) is not None}
        groups: dict[str, list[Request]] = {}
        for request in requests:
            if request.id not in found:
                groups.setdefault(request.prompt_id, []).append(request)
        for group in groups.values():
            for first in range(0, len(group), self.model.sampling.batch):
                self._answer(group[first : first + self.model.sampling.batch], found)
        return [found[request.id] for request in requests]

    def _answer(self, group: list[Request], found: dict[str, Answer]) -> None:
        seeds = [_seed(request, self.model.sampling.seed) for request in group]
        for request in group:
            self.ledger.sent(request, Decimal(0))
        texts = self.model.sample(prompt_text(group[0].params), seeds, group[0].max_tokens)
        for request, text in zip(group, texts, strict=True):
            message = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
            self.ledger.answered(request.id, message, Decimal(0))
            found[request.id] = answer_of(request, message, Decimal(0))
            self.settled(found[request.id])


def prompt_text(params: Mapping[str, Any]) -> str:
    """A request as plain text for a model that was not trained on our chat format: the program follows at its end."""
    parts = [block["text"] for block in params.get("system", ())]
    parts += [message["content"] for message in params["messages"]]
    return "\n".join(parts) + "\n\n```attn\n"


def _seed(request: Request, seed: int) -> int:
    return int(hashlib.sha256(f"{request.id}\0{seed}".encode()).hexdigest()[:15], 16)
