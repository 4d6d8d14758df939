"""The documents are true: what they show is what happens, and what exists is in them."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import language_page
import pytest
import readme_blocks as rb
from typer.main import get_command

from attndsl.cli.main import app, run
from attndsl.dsl.checker import check
from attndsl.dsl.codes import all_codes, page
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile

README = rb.README.read_text(encoding="utf-8")
SOURCES = [
    path
    for folder in ("attndsl", "dsl", "compiler", "runtime", "models", "synth")
    for path in (rb.ROOT / folder).rglob("*.py")
]


def leaves(group: Any, before: str = "") -> dict[str, Any]:
    """Commands by full name, those of sub-commands too."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        found |= leaves(command, f"{before}{name} ") if hasattr(command, "commands") else {before + name: command}
    return found


COMMANDS = leaves(get_command(app))


OUTSIDE = {
    ("CONTRIBUTING.md", ""): "the drawing of the folders",
    ("editor.md", "lua"): "Neovim's own configuration, for which CI has no Neovim",
    ("editor.md", "js"): "an extension of VS Code, for which CI has no VS Code",
    ("editor.md", "text"): "tests/editor/record_transcript.py records it, and tests/editor compares",
}
"""Blocks that the tests here cannot check, and why."""
ELSEWHERE = re.compile(r"(npm|npx|code|make|pip|python3?|\.venv/bin/\S+) ")  # installers, and what CI itself runs
BLOCKS = [
    pytest.param(path, block, id=f"{path.name}-{number}-{block.language}")
    for path in rb.DOCUMENTS
    for number, block in enumerate(rb.blocks(path.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize(("path", "block"), BLOCKS)
def test_every_block_is_checked(path: Path, block: rb.Block) -> None:
    """What is run is run below; here everything else: programs, parts of files, commands, Python, JSON."""
    if block.runs:
        assert block.language in ("console", "python")
    elif block.mark.startswith("from "):
        assert block.text.strip() in (rb.ROOT / block.mark.removeprefix("from ")).read_text(encoding="utf-8")
    elif block.language == "attn":
        for program in parse_library(SourceFile(path.name, block.text)):
            assert check(program).warnings == ()
    elif block.language == "sh":
        for line in block.text.replace("\\\n", " ").splitlines():
            check_line(line)
    elif block.language == "python":
        compile(block.text, path.name, "exec")
    elif block.language == "json":
        json.loads(block.text)
    else:
        assert (path.name, block.language) in OUTSIDE


def check_line(line: str) -> None:
    """A line of a shell: commands and options of attndsl must exist; others are known by name."""
    for part in re.split(r" && | \|\| |;", line.partition(" # ")[0]):
        words = shlex.split(part, comments=True)
        if not words:
            continue
        if Path(words[0]).name != "attndsl":
            assert ELSEWHERE.match(part.strip() + " "), part
            continue
        name = next((n for n in COMMANDS if words[1 : 1 + len(n.split())] == n.split()), None)
        assert name is not None, part
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, part


def test_a_wrong_line_is_noticed() -> None:
    for wrong in ("attndsl explian x", "attndsl explain --hedas L0", "attndls explain", "rm -rf /"):
        with pytest.raises(AssertionError):
            check_line(wrong)


def test_blocks_are_counted_and_none_is_overlooked() -> None:
    fences = sum(len(re.findall(r"^```", p.read_text(encoding="utf-8"), re.MULTILINE)) for p in rb.DOCUMENTS)
    assert fences == 2 * len(BLOCKS)
    blocks = [parameter.values[1] for parameter in BLOCKS]
    counts = Counter("run" if block.runs else block.language for block in blocks)
    assert counts["run"] >= 16
    assert counts["attn"] >= 4


def test_the_readme_shows_the_example_files() -> None:
    tutorial = (rb.ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    for text, file in ((README, "sentence_ends.attn"), (tutorial, "before_and_copies.attn")):
        (shown,) = [b.text for b in rb.blocks(text) if b.language == "attn"]
        assert shown == (rb.ROOT / "examples" / file).read_text(encoding="utf-8")


RUN = [path for path in rb.DOCUMENTS if any(block.runs for block in rb.blocks(path.read_text(encoding="utf-8")))]


@pytest.mark.integration
@pytest.mark.parametrize("document", RUN, ids=lambda path: path.name)
def test_documents_show_real_outputs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rb.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for block in (b for b in rb.blocks(document.read_text(encoding="utf-8")) if b.runs):
        if block.language == "python":
            exec(compile(block.text, document.name, "exec"), {})
            continue
        for command, shown in rb.commands(block):
            real = rb.run_command(command)
            assert not rb.differs(shown, real), f"python tests/readme_blocks.py records anew what this prints:\n{real}"


def test_the_documents_that_are_run() -> None:
    assert {"README.md", "tutorial.md", "lifting.md", "faq.md"} <= {path.name for path in RUN}


def test_the_language_page_is_that_of_the_tables() -> None:
    assert language_page.PAGE.read_text(encoding="utf-8") == language_page.page(), "python tests/language_page.py"


def test_the_index_names_every_document() -> None:
    index = (rb.ROOT / "docs/README.md").read_text(encoding="utf-8")
    for path in (rb.ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"({path.name})" in index, path.name


@pytest.mark.integration
def test_the_python_of_the_documents_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of docs/ that are marked to be run, with the model that the README makes."""
    rb.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    rb.run_command("python examples/tiny_model.py tiny-model")
    ran = 0
    for document in sorted((rb.ROOT / "docs").glob("*.md")):
        for block in rb.blocks(document.read_text(encoding="utf-8")):
            if block.runs and block.language == "python":
                exec(compile(block.text, document.name, "exec"), {})
                ran += 1
    assert ran >= 1


def test_outputs_that_differ_are_told_apart() -> None:
    assert not rb.differs("IoU 0.138  [a]", "IoU   0.139 [a]")
    assert rb.differs("IoU 0.138", "IoU 0.238")
    assert rb.differs("IoU 0.138", "IOU 0.138")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_in_the_readme(name: str) -> None:
    assert f"`attndsl {name}" in README
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option not in ("--help", "--revision"):
                assert f"{option}" in README, f"{name} {option}"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_a_help_text(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if "--help" not in parameter.opts:
            assert getattr(parameter, "help", None), f"{name} {parameter.opts}"


def test_the_readme_names_only_options_that_exist() -> None:
    parameters = [parameter for command in COMMANDS.values() for parameter in command.params]
    real = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
    named = set(re.findall(r"(?<=[`\s])--[a-z][a-z-]+", README))
    assert named <= real | {"--help"}


@pytest.mark.parametrize("code", sorted(all_codes()))
def test_every_code_has_a_page_by_number_and_by_name(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    for asked in (code, code.lower(), all_codes()[code]):
        assert run(["rule", asked]) == 0
        assert capsys.readouterr().out == page(code)[1]
    assert len(page(code)[1].strip().splitlines()) > 1


def test_every_code_in_the_sources_has_a_page() -> None:
    used = {code for path in SOURCES for code in re.findall(r'"([EW]\d{4})"', path.read_text(encoding="utf-8"))}
    assert used - set(all_codes()) == set()


def test_names_of_codes_are_unique() -> None:
    names = list(all_codes().values())
    assert len(names) == len(set(names))


def test_ci_runs_the_command_of_the_readme() -> None:
    explain, test = [b.text.strip() for b in rb.blocks(README) if b.language == "sh"]
    assert explain.endswith("attndsl explain")
    script = (rb.ROOT / ".ci/run").read_text(encoding="utf-8")
    assert test.replace("python3 ", '"$python" ', 1) in script


@pytest.mark.parametrize("document", rb.DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)", document.read_text(encoding="utf-8")):
        assert (document.parent / link).is_file(), link


def test_contributing_names_files_that_exist() -> None:
    text = (rb.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    for name in set(re.findall(r"`((?:attndsl|dsl|compiler|runtime|models|grammar|tests|examples)/[\w./-]+)`", text)):
        assert (rb.ROOT / name).exists(), name
