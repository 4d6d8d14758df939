"""The built-in library on real sentences: the largest difference of each back end from the interpreter.

    python benchmarks/backend_table.py [--sentences 36] [--tokenizer smollm2-135m]

Sentences, stories, code and mathematics of the bundled corpora in turn, cut to ``--tokens`` tokens, since the
interpreter takes plain loops for everything. Exit status 1 when a difference is above 1e-6 or an outcome another.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from conformance import BACKENDS, outcome, outcome_of_interpreter

from attndsl.dsl.checker import check
from attndsl.dsl.library import builtin_programs
from attndsl.models.corpus import bundled_corpora, load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.parse_words import word_parser
from attndsl.runtime.tokenize import token_table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sentences", type=int, default=36)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--tokenizer", default="smollm2-135m")
    args = parser.parse_args()
    tokenizer, parse = load_tokenizer(args.tokenizer), word_parser()
    corpora = [load_corpus(name) for name in bundled_corpora()]
    texts = [texts[i].text for i in range(args.sentences) for texts in corpora if i < len(texts)][: args.sentences]
    tables = []
    for text in texts:
        whole = token_table(text, tokenizer, parse)
        end = whole.end[min(len(whole), args.tokens) - 1]
        tables.append(token_table(text[:end], tokenizer, parse))
    library = tuple(check(program) for program in builtin_programs())
    expected = [[outcome_of_interpreter(typed, table, {}) for typed in library] for table in tables]
    print(f"{len(library)} programs, {len(tables)} texts of {bundled_corpora()}, {sum(map(len, tables))} tokens")
    bad = 0
    for name, factory in BACKENDS.items():
        run, largest, others = factory(library), 0.0, 0
        for table, rows in zip(tables, expected, strict=True):
            for want, got in zip(rows, map(outcome, run(table, {})), strict=True):
                if isinstance(want, str) or isinstance(got, str):
                    others += want is not got and not (isinstance(want, str) and want == got)
                else:
                    largest = max(largest, float(np.abs(np.asarray(got) - want).max()))
        bad += largest > 1e-6 or others > 0
        print(f"{name:8} max |difference| {largest:.3g}, other outcomes {others}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
