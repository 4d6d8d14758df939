"""Selection on train, report on held-out text: against a plain restatement, and the files it writes."""

import csv
import json
import sys

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import scoring
from attndsl.runtime.baselines import KINDS, baselines, single
from attndsl.runtime.pattern import normalise
from attndsl.runtime.selection import ArraySplit, fitting_precision, measure, report, select
from attndsl.runtime.table import Table

NAMES = ["first", "self", "previous", "noise 0", "noise 1"]
HEADS = ["L0H0", "L0H1", "L1H0"]


def split(seeds, n, causal=True, length=None):
    sentences = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        kinds = [single(kind, n, causal=causal) for kind in ("first token", "self", "previous")]
        programs = normalise(np.stack([*kinds, *rng.random((2, n, n)) ** 4]), causal=causal)
        share = np.array([0.9, 0.6, 0.3])[:, None, None]
        base = np.stack([kinds[2], kinds[0], rng.random((n, n))])
        heads = normalise(share * base + 0.2 * rng.random((3, n, n)) ** 6, causal=causal)
        sentences.append((programs[:, :length, :length], heads[:, :length, :length]))
    return ArraySplit(sentences)


def refused(call):
    with pytest.raises(DiagnosticError) as caught:
        call()
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("precision", ["float64", "float32", "int16", "uint8"])
@pytest.mark.parametrize("causal", [True, False])
def test_report_equals_a_plain_restatement(causal, precision):
    train, held_out = split([1, 2, 3], 14, causal), split([11, 12], 17, causal)
    selection = select(train, names=NAMES, heads=HEADS, causal=causal, precision=precision)
    table = report(selection, held_out)
    for h, row in enumerate(table.rows()):
        means = [np.mean([scoring.iou(p[i], heads[h]) for p, heads in train.sentences]) for i in range(5)]
        best = int(np.argmax(means))
        assert row["head"] == HEADS[h]
        assert row["program"] == NAMES[best]
        assert row["train_iou"] == pytest.approx(means[best], abs=1e-12)
        pairs = [(p[best], heads[h]) for p, heads in held_out.sentences]
        assert row["held_out_iou"] == pytest.approx(np.mean([scoring.iou(*pair) for pair in pairs]), abs=1e-12)
        assert row["js_distance"] == pytest.approx(np.mean([scoring.jensen_shannon(*pair) for pair in pairs]), abs=1e-7)
        sinkless = np.mean([scoring.iou_without_sink(*pair) for pair in pairs])
        assert row["iou_without_sink"] == pytest.approx(sinkless, abs=1e-12)
        overlap = np.mean([scoring.top_k_overlap(*pair, 5) for pair in pairs])
        assert row["top_5_overlap"] == pytest.approx(overlap, abs=1e-12)
        first = np.mean([scoring.iou(single("first token", 17, causal=causal), b) for _, b in pairs])
        assert row["baseline_first_token"] == pytest.approx(first, abs=1e-12)
        assert row["lift"] == pytest.approx(row["held_out_iou"] - row["best_baseline_iou"], abs=1e-12)


def test_baselines_are_chosen_on_train_and_measured_on_held_out():
    train, held_out = split([1, 2], 12), split([11], 20)
    selection = select(train, names=NAMES, heads=HEADS, causal=True)
    table = report(selection, held_out)
    given, heads = baselines(12, causal=True), [heads for _, heads in train.sentences]
    mixtures = [i for i, kind in enumerate(given.kind) if kind == "mixture"]
    for h in range(3):
        on_train = [np.mean([scoring.iou(given.patterns[i], b[h]) for b in heads]) for i in mixtures]
        name = given.name[mixtures[int(np.argmax(on_train))]]
        longer = baselines(20, causal=True)
        expected = scoring.iou(longer.patterns[longer.name.index(name)], held_out.sentences[0][1][h])
        assert table["baseline_mixture"][h] == pytest.approx(expected, abs=1e-12)
        draws = [p for p, kind in zip(longer.patterns, longer.kind, strict=True) if kind == "random token"]
        mean = np.mean([scoring.iou(draw, held_out.sentences[0][1][h]) for draw in draws])
        assert table["baseline_random_token"][h] == pytest.approx(mean, abs=1e-12)
        assert table["best_baseline"][h] in KINDS


def test_choice_does_not_look_at_held_out_text():
    train = split([1, 2, 3], 14)
    selection = select(train, names=NAMES, heads=HEADS, causal=True)
    one, other = report(selection, split([11], 14)), report(selection, split([99], 16))
    for column in ("program", "train_iou", "best_baseline"):
        assert one[column] == other[column]
    assert one["held_out_iou"] != other["held_out_iou"]


def test_lengths_are_reported_with_the_program_chosen_at_full_length():
    train, held_out = split([1, 2], 20), split([11, 12], 20)
    cropped = split([11, 12], 20, length=8)
    selection = select(train, names=NAMES, heads=HEADS, causal=True)
    table = report(selection, held_out, lengths={8: cropped})
    at = measure(selection, cropped)
    assert at.tokens.tolist() == [8, 8]
    assert list(table["iou_at_8"]) == pytest.approx(at.iou.mean(axis=1))
    assert table.meta["tokens"]["most"] == 20
    assert table.meta["at_8"]["tokens"]["most"] == 8
    for h in range(3):
        first = [scoring.iou(single("first token", 8, causal=True), heads[h]) for _, heads in cropped.sentences]
        assert table["first_token_at_8"][h] == pytest.approx(np.mean(first), abs=1e-12)


def test_totals_carry_intervals_and_counts():
    table = report(select(split([1], 9), names=NAMES, heads=HEADS, causal=True), split([2, 3, 4], 9))
    meta = table.meta
    assert (meta["heads"], meta["programs"], meta["train_sentences"], meta["held_out_sentences"]) == (3, 5, 1, 3)
    figure = meta["held_out_iou"]
    assert figure["low"] <= figure["mean"] <= figure["high"]
    assert figure["mean"] == pytest.approx(np.mean(table["held_out_iou"]))


def test_what_cannot_be_reported_is_refused():
    train = split([1], 9)
    selection = select(train, names=NAMES, heads=HEADS, causal=True)
    assert refused(lambda: report(selection, train)) == "E0536"
    assert refused(lambda: report(selection, split([2], 9), lengths={4: train})) == "E0536"
    assert refused(lambda: report(selection, ArraySplit([]))) == "E0535"
    assert refused(lambda: select(ArraySplit([]), names=NAMES, heads=HEADS, causal=True)) == "E0535"
    assert refused(lambda: select(train, names=[], heads=HEADS, causal=True)) == "E0535"
    for scale, code in ((2, "E0532"), (np.nan, "E0531")):
        wrong = ArraySplit([(p * np.float32(scale), heads) for p, heads in split([2], 9).sentences])
        assert refused(lambda wrong=wrong: report(selection, wrong)) == code
        assert refused(lambda wrong=wrong: select(wrong, names=NAMES, heads=HEADS, causal=True)) == code
    fewer = ArraySplit([(p, heads[:2]) for p, heads in split([2], 9).sentences])
    assert refused(lambda: report(selection, fewer)) == "E0533"


def test_progress_counts_sentences():
    calls = []
    select(
        split([1, 2], 6),
        names=NAMES,
        heads=HEADS,
        causal=True,
        precision="int16",
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_small_jobs_take_one_exact_pass_and_large_ones_two_fast_ones(monkeypatch):
    calls = []

    def chosen():
        calls.clear()
        found = select(
            split([1, 2], 6), names=NAMES, heads=HEADS, causal=True, progress=lambda done, total: calls.append(total)
        )
        return found.choice.program.tolist(), found.choice.mean_iou.tolist()

    assert fitting_precision(176, 270, 40, 128, True) == "float64"
    assert fitting_precision(1664, 672, 100, 128, True) in ("int16", "uint8")
    small = chosen()
    assert set(calls) == {2}
    monkeypatch.setattr("attndsl.runtime.selection.LONG", 0)
    programs, means = chosen()
    assert set(calls) == {4}
    assert programs == small[0]
    assert means == pytest.approx(small[1], abs=1e-12)


TABLE = Table({"head": ["L0H0", "L0H1"], "iou": [0.1 + 0.2, float("nan")], "n": np.array([3, 4])}, {"k": (1, np.inf)})


def test_tables_write_json_and_csv_in_full(tmp_path):
    content = json.loads(TABLE.write(tmp_path / "t.json").read_text())
    assert content["rows"] == [{"head": "L0H0", "iou": 0.1 + 0.2, "n": 3}, {"head": "L0H1", "iou": None, "n": 4}]
    assert content["meta"] == {"k": [1, None]}
    rows = list(csv.DictReader(TABLE.write(tmp_path / "t.csv").open()))
    assert float(rows[0]["iou"]) == 0.1 + 0.2
    assert rows[1] == {"head": "L0H1", "iou": "", "n": "4"}


def test_tables_write_parquet_with_their_meta(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(TABLE.write(tmp_path / "t.parquet"))
    assert table.to_pylist() == TABLE.rows()
    assert json.loads(table.schema.metadata[b"attndsl"]) == {"k": [1, None]}


def test_parquet_without_pyarrow_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refused(lambda: TABLE.write(tmp_path / "t.parquet")) == "E0537"
    assert list(tmp_path.iterdir()) == []


def test_tables_refuse_bad_paths_and_leave_the_old_file(tmp_path, monkeypatch):
    assert refused(lambda: TABLE.write(tmp_path / "t.xlsx")) == "E0539"
    assert refused(lambda: TABLE.write(tmp_path / "none" / "t.json")) == "E0538"
    target = tmp_path / "t.json"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert refused(lambda: TABLE.write(target)) == "E0538"
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


def test_columns_of_a_table_have_one_length():
    with pytest.raises(ValueError, match="different lengths"):
        Table({"a": [1], "b": [1, 2]})
