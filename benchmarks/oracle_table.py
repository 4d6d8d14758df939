"""Every compiled program of files against CPython in the sandbox: how many disagree, and by how much at most.

    python benchmarks/oracle_table.py FILE.py --tokenizer smollm2-135m [--bidirectional] [--stories 4]

Texts: the odd and ordinary ones of ``sandbox_equality.py`` and the first stories of the bundled corpus, cut to 100
tokens, by the model's tokenizer; the odd ones once more by three small tokenizers of the usual styles. Exit status 1
when a program disagrees or cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "runtime"))

from sandbox_equality import TEXTS, similarity
from tiny_tokenizers import byte_level, metaspace, wordpiece

from attndsl.dsl.tokens import TokenTable
from attndsl.models.corpus import load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.library import load_library
from attndsl.runtime.oracle import verify
from attndsl.runtime.parse_words import word_parser
from attndsl.runtime.program import Outcome
from attndsl.runtime.sandbox import Limits, SandboxPool
from attndsl.runtime.tokenize import token_table

TOKENS = 100


def tables(tokenizer: str, stories: int) -> list[TokenTable]:
    """The texts, as the model's tokenizer and three others see them."""
    own, parse = load_tokenizer(tokenizer), word_parser()
    found = [token_table(text, own, parse) for text in TEXTS]
    for story in [text.text for text in load_corpus("stories") if text.split == "train"][:stories]:
        whole = token_table(story, own, parse)
        end = whole.end[min(len(whole), TOKENS) - 1]
        found.append(token_table(story[:end], own, parse))
    styles = (byte_level(), metaspace(), wordpiece())
    return found + [token_table(text, styles[i % 3], parse) for i, text in enumerate(TEXTS)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--tokenizer", default="smollm2-135m")
    parser.add_argument("--bidirectional", action="store_true")
    parser.add_argument("--stories", type=int, default=4)
    args = parser.parse_args()
    texts = tables(args.tokenizer, args.stories)
    bad = 0
    for file in args.files:
        host = {"embedding_similarity": lambda tokens, a, b: similarity(list(tokens), a, b)}
        library = load_library(file, host=host, causal=not args.bidirectional)
        started, largest, raised = time.perf_counter(), 0.0, 0
        with SandboxPool(workers=1, limits=Limits(runs=1, seconds=30)) as pool:
            for program in library.values():
                if program.outcome is Outcome.REFUSED:
                    continue
                verdict = verify(program, texts, pool)
                largest, raised = max(largest, verdict.largest), raised + verdict.raised
                bad += not verdict.ok
                if not verdict.ok:
                    print(f"{program.name}: {verdict.unavailable or verdict.mismatches[0]}", flush=True)
        outcomes = dict(Counter(program.outcome.value for program in library.values()))
        print(
            f"{file.name}: {outcomes}, {len(texts)} texts, {bad} programs that disagree so far, largest difference "
            f"{largest:.3g}, {raised} times CPython raises and ours as well, {time.perf_counter() - started:.0f} s"
        )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
