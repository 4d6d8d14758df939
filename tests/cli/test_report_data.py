"""Report data: what is refused, and that JSON keeps everything."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from report_sample import pattern, sample

from attndsl.cli.report.check import MOST_FAULTS
from attndsl.cli.report.data import Example, HeadRow, PerplexityStep, ReportData, headline
from attndsl.cli.report.parts import Interval
from attndsl.cli.report.picture import LEVELS, PatternPicture, picture_bytes
from attndsl.cli.report.serial import from_json, to_json
from attndsl.dsl.diagnostics import DiagnosticError


@pytest.fixture(scope="module")
def small() -> ReportData:
    return sample(3, 4, examples=2, most=12)


def with_row(data: ReportData, **changes: object) -> ReportData:
    return replace(data, heads=(replace(data.heads[0], **changes), *data.heads[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer": 3}, "L3H0 is outside a model of 3 layers"),
        ({"head": 1}, "L0H1 occurs 2 times"),
        ({"heldout_iou": 1.2}, "L0H0 held-out IoU is 1.2"),
        ({"heldout_iou": math.nan}, "L0H0 held-out IoU is nan"),
        ({"train_iou": -0.1}, "train IoU is -0.1"),
        ({"js": 2.0}, "Jensen-Shannon distance is 2.0"),
        ({"lift": -1.5}, "lift is -1.5"),
        ({"best_baseline": "luck"}, "'luck' as its best baseline"),
        ({"interval": Interval(0.6, 0.5)}, "upside down"),
    ],
)
def test_impossible_rows_are_refused(small: ReportData, changes: dict[str, object], words: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        with_row(small, **changes)
    assert {d.code for d in caught.value.diagnostics} == {"E0840"}
    assert any(words in d.headline for d in caught.value.diagnostics)


def test_other_impossible_values_are_refused(small: ReportData) -> None:
    step = PerplexityStep(0.5, 6, 12.0, 20.0)
    for changes, words in (
        ({"heads": ()}, "without heads"),
        ({"n": 0}, "n=0"),
        ({"n_min": 200}, "n_min=200"),
        ({"perplexity": (replace(step, share=1.5),)}, "share is 1.5"),
        ({"perplexity": (replace(step, heads=13),)}, "heads is 13"),
        ({"perplexity": (replace(step, perplexity=0.2),)}, "perplexity is 0.2"),
        ({"by_length": (replace(small.by_length[0], mean=3.0),)}, "mean at n=16 is 3.0"),
        ({"settings": {"rate": math.inf}}, "'rate' is inf"),
        ({"heads": small.heads[1:]}, "pictures L0H0, which the report does not list"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            replace(small, **changes)  # type: ignore[arg-type]
        assert words in str(caught.value)


def test_all_faults_are_reported_together_and_counted(small: ReportData) -> None:
    bad = tuple(replace(row, heldout_iou=7.0, train_iou=7.0) for row in small.heads)
    with pytest.raises(DiagnosticError) as caught:
        replace(small, heads=bad)
    assert len(caught.value.diagnostics) == MOST_FAULTS + 1
    assert caught.value.diagnostics[-1].headline.startswith(f"{2 * len(bad) - MOST_FAULTS} more")


def test_headline_is_the_mean_of_the_rows(small: ReportData) -> None:
    top = headline(small)
    ious = [row.heldout_iou for row in small.heads]
    assert top.mean == pytest.approx(np.mean(ious))
    assert top.median == pytest.approx(np.median(ious))
    assert top.lift == pytest.approx(np.mean([row.lift for row in small.heads]))
    assert headline(with_row(small, iou_no_sink=None)).no_sink is None


def test_json_keeps_everything(small: ReportData) -> None:
    text = json.dumps(to_json(small), allow_nan=False)
    assert from_json(json.loads(text)) == small


def test_json_from_elsewhere_is_refused_with_the_path(small: ReportData) -> None:
    for edit, words in (
        (lambda d: d.pop("model"), "lacks 'model'"),
        (lambda d: d.update(colour="red"), "unknown field 'colour'"),
        (lambda d: d["heads"][0].update(lift="high"), "report.heads[0].lift is 'high', not a number"),
        (lambda d: d["heads"][0].update(layer=True), "report.heads[0].layer is True"),
        (lambda d: d["examples"][0].update(tokens="abc"), "report.examples[0].tokens is 'abc', not a list"),
        (lambda d: d["settings"].update(a=[1]), "report.settings.a is [1]"),
    ):
        value = json.loads(json.dumps(to_json(small)))
        edit(value)
        with pytest.raises(DiagnosticError) as caught:
            from_json(value)
        assert caught.value.diagnostics[0].code == "E0840"
        assert words in str(caught.value)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kind", range(6))
def test_pictures_are_within_the_rounding_they_promise(causal: bool, kind: int) -> None:
    matrix = pattern(np.random.default_rng(kind), 23, kind, 0.7, causal)
    picture = PatternPicture.from_matrix(matrix, 23, causal)
    error = np.abs(picture.to_matrix() - matrix)
    assert error.max() <= matrix.max() / LEVELS
    assert error[matrix < 0.01].max() <= 0.0011 * max(1.0, matrix.max())
    assert picture.has_right_size()
    assert len(picture.data) == picture_bytes(23, causal)


def test_pictures_of_wrong_patterns_are_refused() -> None:
    good = np.tril(np.ones((3, 3))) / np.array([[1.0], [2.0], [3.0]])
    ahead = np.full((3, 3), 1 / 3)
    nan = good.copy()
    nan[2, 1] = math.nan
    for bad, words in (
        (good[:2], "has shape (2, 3), but the example has 3 tokens"),
        (nan, "is nan at query 2, key 1"),
        (-good, "is negative"),
        (2 * good, "has a row that sums to 2"),
        (ahead, "looks ahead: weight 0.333333 at query 0, key 1"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            Example.from_patterns("t", ["a", "b", "c"], {"L0H0": bad}, {"L0H0": good})
        assert {d.code for d in caught.value.diagnostics} == {"E0841"}
        assert f"predicted L0H0 on t {words}" in str(caught.value)
    with pytest.raises(DiagnosticError, match="only one of the two patterns for L0H1"):
        Example.from_patterns("t", ["a", "b", "c"], {"L0H0": good}, {"L0H0": good, "L0H1": good})
    with pytest.raises(DiagnosticError, match="has no tokens"):
        Example.from_patterns("t", [], {}, {})


def test_iou_of_a_picture_is_that_of_the_unrounded_patterns() -> None:
    left = np.array([[1.0, 0.0], [0.5, 0.5]])
    right = np.array([[1.0, 0.0], [0.25, 0.75]])
    example = Example.from_patterns("t", ["a", "b"], {"L0H0": left}, {"L0H0": right})
    assert example.heads["L0H0"].iou == pytest.approx(1.75 / 2.25)


def test_damaged_pictures_are_refused(small: ReportData) -> None:
    example = small.examples[0]
    pair = example.heads["L0H0"]
    cut = replace(pair, real=replace(pair.real, data=pair.real.data[:-4]))
    with pytest.raises(DiagnosticError, match="E0841 real picture of L0H0"):
        replace(small, examples=(replace(example, heads={**example.heads, "L0H0": cut}),))


def test_names_are_zero_based(small: ReportData) -> None:
    row: HeadRow = small.heads[-1]
    assert row.name == "L2H3"
