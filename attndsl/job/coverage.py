"""Job: which rules of a program fire on the held-out texts of a corpus, and what each is worth."""

from __future__ import annotations

from attndsl.dsl.diagnostics import fail
from attndsl.job.falsify import Asked, prepare
from attndsl.job.progress import Progress
from attndsl.runtime.falsify.coverage import Coverage, rule_coverage
from attndsl.runtime.tokenize import token_table


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
