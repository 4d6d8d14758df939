"""Program files that are missing, empty, binary, huge, wrongly encoded, oddly named: one message with a code each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from attndsl.cli.main import run
from attndsl.runtime.library import load_library, program_files

GOOD = 'head "first" causal\nadd 1 to first\nnormalize rows\n'
BAD_FILES = {
    "empty.attn": (b"", "E0002"),
    "blank.attn": (b" \n\n", "E0002"),
    "comment.attn": (b"# nothing\n", "E00"),
    "empty.py": (b"", "E0816"),
    "helpers.py": (b"x = 1\n", "E0816"),
    "binary.attn": (bytes(range(256)) * 20, "E0801"),
    "binary.py": (bytes(range(256)) * 20, "E0801"),
    "latin1.attn": ('head "café" causal\nadd 1 to first\n'.encode("latin1"), "E0801"),
    "latin1.py": ("# café\n".encode("latin1"), "E0801"),
    "utf16.attn": (GOOD.encode("utf-16"), "E0801"),
    "utf16.py": ("x = 1\n".encode("utf-16"), "E0801"),
    "huge.attn": (b"# " + b"x" * 17_000_000, "E0801"),
    "huge.py": (b"# " + b"x" * 17_000_000, "E0801"),
    "large.attn": (b"# " + b"x" * 1_100_000, "E0003"),
    "brackets.attn": (b'head "d" causal add ' + b"(" * 9999 + b"1" + b")" * 9999 + b" to first", "E0003"),
    "minus.attn": (b'head "d" causal add ' + b"-" * 50_000 + b"1 to first", "E0003"),
    "brackets.py": (b"x = " + b"(" * 9999 + b"1" + b")" * 9999, "E0113"),
    "syntax.py": (b"def f(:\n", "E0117"),
}


def is_one_clear_message(err: str, code: str) -> bool:
    lines = err.splitlines()
    return lines[0].startswith(f"error[{code}") and "Traceback" not in err and len(lines[0]) < 250


@pytest.mark.parametrize("command", ["compile", "check"])
@pytest.mark.parametrize("name", sorted(BAD_FILES))
def test_bad_files(name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, code = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    assert run([command, str(path)]) == 1
    out, err = capsys.readouterr()
    assert is_one_clear_message(err, code), err
    assert out.startswith("0 programs")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing.attn", "there is no file"),
        ("folder", "is a folder without program files"),
        ("a/b/c.attn", "there is no file"),
    ],
)
def test_files_that_are_not_there(name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    for command in ("compile", "check", "fmt"):
        assert run([command, str(tmp_path / name)]) == 1
        err = capsys.readouterr().err
        assert is_one_clear_message(err, "E08")
        assert says in err


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("answer.py", "\n```python\nimport numpy as np\n```\n", "keep what stands between"),
        ("answer.attn", "```\n" + GOOD + "```\n", "keep what stands between"),
        ("book.ipynb", '{"cells": [], "nbformat": 4}', "nbconvert"),
        ("made.txt", "import numpy as np\n\ndef f(sentence, tokenizer):\n    pass\n", "name it made.py"),
        ("made", "def f(sentence, tokenizer):\n    pass\n", "name it made.py"),
    ],
)
def test_what_is_no_program_file_is_told_by_its_kind(
    name: str, text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert run(["compile", str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert is_one_clear_message(err, "E0801"), err
    assert says in err


def test_a_program_of_our_language_may_have_any_other_name(tmp_path: Path) -> None:
    (tmp_path / "made.txt").write_text(GOOD, encoding="utf-8")
    assert run(["compile", str(tmp_path / "made.txt")]) == 0


def test_a_folder_stands_for_the_program_files_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = "import numpy as np\ndef f(sentence, tokenizer):\n    return 'f', np.zeros((1, 1))\n"
    for name in (
        "b.py",
        "below/deep/a.attn",
        ".venv/c.py",
        "__pycache__/d.py",
        "__init__.py",
        "notes.txt",
        "below/.e.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(GOOD if name.endswith(".attn") else python, encoding="utf-8")
    assert run(["compile", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("2 programs: ")
    assert [p.name for p in program_files(tmp_path)] == ["b.py", "a.attn"]
    assert run(["fmt", str(tmp_path)]) == 0
    assert (tmp_path / "b.py").read_text(encoding="utf-8") == python
    assert set(load_library(tmp_path)) == set(load_library([tmp_path / "b.py", tmp_path / "below"]))


def test_a_folder_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shut(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", shut)  # what all but root are told
    assert run(["compile", str(tmp_path)]) == 1
    assert f"no permission to read {tmp_path}" in capsys.readouterr().err


def test_a_device_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "/dev/zero"]) == 1
    assert "larger than 16 MiB" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["with space.attn", "new\nline.attn", "ünï.attn", "[x].attn", "%s.attn", "bad\udcff.attn"]
)
def test_odd_names(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_text(GOOD.replace("normalize", "  normalize"), encoding="utf-8")
    assert run(["compile", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["programs"][0]["name"] == "first"
    assert run(["fmt", "--check", str(path)]) == 1
    assert capsys.readouterr().out.count("\n") == 1
    assert run(["fmt", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == GOOD
    path.write_text("nonsense", encoding="utf-8")
    assert run(["check", str(path)]) == 1
    assert is_one_clear_message(capsys.readouterr().err, "E0001")


@pytest.mark.parametrize("start", ["\ufeff", "\r\n", "# note\n"])
def test_byte_order_marks_and_line_ends_do_no_harm(
    start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.attn"
    path.write_bytes((start + GOOD.replace("\n", "\r\n")).encode())
    assert run(["check", str(path)]) == 0
    assert capsys.readouterr().out == "1 program, nothing to report\n"


def test_good_files_are_compiled_beside_bad_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.attn", tmp_path / "bad.attn"
    good.write_text(GOOD, encoding="utf-8")
    bad.write_text("nonsense", encoding="utf-8")
    assert run(["compile", str(bad), str(good), str(good), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [program["name"] for program in found["programs"]] == ["first", "first (2)"]
    assert [d["code"] for d in found["summary"]["diagnostics"]] == ["E0001"]
    assert "E0001" in err


def test_names_cannot_change_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.attn"
    path.write_text('head "\\u001b[31mred [bold]" causal\nadd 1 to Nothing\n', encoding="utf-8")
    assert run(["check", "--cost", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "[31mred [bold]" in out


def test_a_fault_far_to_the_right_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.attn"
    path.write_text(
        'head "x" causal\nadd 1 to first when q.text in {' + '"word", ' * 90 + '"x"} and Nothing\n', encoding="utf-8"
    )
    assert run(["check", str(path)]) == 1
    shown, marks = capsys.readouterr().err.splitlines()[3:5]
    assert shown[marks.index("^") : marks.rindex("^") + 1] == "Nothing"


@pytest.mark.parametrize("command", ["compile", "check"])
def test_the_json_of_the_contract(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.attn"
    path.write_text(GOOD + 'head "wrong" causal\nadd 1 to first when k.pos == Noun\n', encoding="utf-8")
    assert run([command, str(path), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"programs", "summary"}
    first, wrong = found["programs"]
    assert first == {"name": "first", "outcome": "lifted", "diagnostics": [], "cost": "O(n)", "reads": []}
    assert (wrong["outcome"], wrong["cost"]) == ("refused", None)
    diagnostic = wrong["diagnostics"][0]
    assert {"code", "message", "line", "column", "help"} <= set(diagnostic)
    assert (diagnostic["line"], diagnostic["code"][:3]) == (5, "E02")
    summary = found["summary"]
    assert (summary["programs"], summary["lifted"], summary["bounded"], summary["refused"]) == (2, 1, 0, 1)


def test_lifted_programs_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "x.attn", tmp_path / "new" / "lib.attn"
    path.write_text(GOOD, encoding="utf-8")
    assert run(["compile", str(path), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == GOOD
    assert "wrote 1 lifted" in capsys.readouterr().err
    assert run(["compile", str(path), "--out", str(path / "below")]) == 1
    assert is_one_clear_message(capsys.readouterr().err, "E0805")


def test_python_is_not_formatted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.py"
    path.write_text("x=1", encoding="utf-8")
    assert run(["fmt", str(path)]) == 1
    assert is_one_clear_message(capsys.readouterr().err, "E0815")
    assert path.read_text(encoding="utf-8") == "x=1"
