"""The bundled texts carry every published figure, so their counts, splits and independence are pinned here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files

import pytest

FILES = ("stories", "sentences", "code", "math")
# name: (train texts, held-out texts, fewest words, most words)
SHAPE = {
    "stories": (104, 52, 110, 170),
    "sentences": (42, 21, 12, 21),
    "code": (28, 14, 25, 90),
    "math": (28, 14, 35, 100),
}
RUN = 8
# Capitalised words of both parts that name no character: titles, dates, a number.
TITLES = {"Grandpa", "Mom", "Mr", "Mrs", "Street", "Uncle"}
DATES = {"August", "Friday", "July", "March", "May", "Monday", "Saturday", "Sunday", "Tuesdays"}
COMMON = TITLES | DATES | {"Four"}


def records(name: str) -> list[dict[str, str]]:
    data = files("attndsl.models.corpora").joinpath(f"{name}.jsonl").read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.decode("utf-8", errors="strict").splitlines()]


def runs(text: str, length: int = RUN) -> set[tuple[str, ...]]:
    """Runs of ``length`` words, case and punctuation aside."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def shared_runs(texts: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    owner: dict[tuple[str, ...], str] = {}
    found = []
    for name, text in texts:
        for run in sorted(runs(text)):
            if owner.setdefault(run, name) != name:
                found.append((owner[run], name, " ".join(run)))
    return found


def names(texts: Iterable[str]) -> set[str]:
    """Capitalised words inside a sentence: names, and a few days and titles."""
    return {word for text in texts for word in re.findall(r"(?<=[a-z,;] )([A-Z]\w+)", text)}


def capitalised(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"\b[A-Z]\w+", text)}


@pytest.mark.parametrize("name", FILES)
def test_records_have_exactly_the_promised_fields(name: str) -> None:
    for number, record in enumerate(records(name), start=1):
        assert list(record) == ["id", "text", "split"]
        assert record["id"] == f"{name}-{number:03d}"
        assert record["split"] == ("heldout" if number % 3 == 0 else "train")
        assert record["text"] == record["text"].strip("\n")


@pytest.mark.parametrize("name", FILES)
def test_counts_per_split(name: str) -> None:
    split = Counter(record["split"] for record in records(name))
    assert (split["train"], split["heldout"]) == SHAPE[name][:2]


@pytest.mark.parametrize("name", FILES)
def test_lengths_in_words(name: str) -> None:
    low, high = SHAPE[name][2:]
    odd = {r["id"]: len(r["text"].split()) for r in records(name) if not low <= len(r["text"].split()) <= high}
    assert odd == {}


def test_ids_are_unique_over_all_files() -> None:
    ids = [record["id"] for name in FILES for record in records(name)]
    assert len(ids) == len(set(ids)) == 303


def test_shared_runs_are_noticed() -> None:
    planted = [
        ("a", "one two three four five six seven eight nine"),
        ("b", "Two three, four five six seven eight NINE!"),
    ]
    assert shared_runs(planted) == [("a", "b", "two three four five six seven eight nine")]


def test_no_two_texts_share_a_run_of_eight_words() -> None:
    assert shared_runs((r["id"], r["text"]) for name in FILES for r in records(name)) == []


def test_held_out_stories_have_characters_of_their_own() -> None:
    stories = records("stories")
    train = [r["text"] for r in stories if r["split"] == "train"]
    heldout = [r["text"] for r in stories if r["split"] == "heldout"]
    assert len(names(train)) > 100
    assert len(names(heldout)) > 40
    assert (names(train) & capitalised(heldout)) - COMMON == set()
    assert (names(heldout) & capitalised(train)) - COMMON == set()


def test_stories_do_not_open_alike() -> None:
    openings = Counter(" ".join(record["text"].split()[:2]) for record in records("stories"))
    assert max(openings.values()) <= 4


@pytest.mark.parametrize("split", ["train", "heldout"])
@pytest.mark.parametrize("name", FILES)
def test_each_part_holds_some_text_beyond_ascii(name: str, split: str) -> None:
    assert any(not record["text"].isascii() for record in records(name) if record["split"] == split)


def test_stories_hold_dialogue_questions_and_line_breaks() -> None:
    texts = [record["text"] for record in records("stories")]
    assert sum("“" in text or '"' in text for text in texts) > 130
    assert sum("?" in text for text in texts) > 80
    assert sum("\n" in text for text in texts) > 80
    assert all(text.count('"') % 2 == 0 and text.count("“") == text.count("”") for text in texts)


def test_most_code_is_python() -> None:
    texts = [record["text"] for record in records("code")]
    python = 0
    for text in texts:
        try:
            compile(text, "<snippet>", "exec")
        except SyntaxError:
            continue
        python += 1
    assert len(texts) // 2 < python < len(texts)
