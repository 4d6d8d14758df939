"""Forty lifted programs as a reader sees them: each was read by eye, and a change of form shows in the diff.

The Python is in ``tests/programs/unseen``, whose tests compare the lifts with CPython. A file's own aligner is kept for
some and repaired for others, which reads shorter. Record anew: ``pytest tests/dsl/pyimport/test_golden_lifts.py
--update-golden``, then read ``git diff``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from attndsl.runtime.library import Library, load_library

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden" / "lifts"
PUBLISHED, OFFSETS = "published", "offsets"
LIFTS = {
    ("beginnings_and_markers", PUBLISHED): """
        bos_sink bos_and_second newline_sink wordpiece_continuation separator_tokens marker_of_position_one
        word_initial_pieces byte_tokens literal_pieces upper_case_after_stop contractions last_word_start_before""",
    ("sinks_and_positions", PUBLISHED): """
        strong_sink table_of_decays remaining_mass_uniform position_buckets modulo_stripes gaussian_lookback
        first_few_tokens shrinking_self even_and_odd sqrt_distance half_way_point""",
    ("word_classes", PUBLISHED): "content_words weights_by_pos entity_links",
    ("word_classes", OFFSETS): """
        lemma_matches stop_word_sink last_verb fine_tags numbers_and_shapes content_ratio""",
    ("syntax", PUBLISHED): "children_of_verbs same_head",
    ("syntax", OFFSETS): "roots subtree_span prepositions_to_objects dependency_distance text_of_the_head",
    ("spans_of_words", OFFSETS): "sentence_starts",
}
CASES = [(file, aligner, name) for (file, aligner), names in LIFTS.items() for name in names.split()]


@cache
def library(file: str, aligner: str) -> Library:
    host = {"embedding_similarity": lambda tokens, a, b: 0.0}
    return load_library(ROOT / "programs" / "unseen" / f"{file}.py", host=host, aligner=aligner)


def test_there_are_forty() -> None:
    assert len(CASES) == 40
    recorded = {path.stem for path in GOLDEN.glob("*.attn")}
    assert recorded == {name for *_, name in CASES}


@pytest.mark.parametrize(("file", "aligner", "name"), CASES, ids=[name for *_, name in CASES])
def test_the_lift_reads_as_recorded(file: str, aligner: str, name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.attn"
    text = library(file, aligner)[name].to_attn()
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"record it: pytest {Path(__file__).relative_to(ROOT.parent)} --update-golden"
    assert text == path.read_text(encoding="utf-8")
