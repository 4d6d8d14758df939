"""The documents are true: what they show is what happens, and what exists is in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("document", ["README.md", "dsl/LANGUAGE.md"])
def test_programs_in_documents_are_programs(document: str) -> None:
    shown = [b.text for b in rb.blocks((rb.ROOT / document).read_text(encoding="utf-8")) if b.language == "attn"]
    assert shown
    for text in shown:
        for program in parse_library(SourceFile(document, text)):
            assert check(program).warnings == ()


def test_the_readme_shows_the_example_files() -> None:
    (shown,) = [b.text for b in rb.blocks(README) if b.language == "attn"]
    assert shown == (rb.ROOT / "examples/sentence_ends.attn").read_text(encoding="utf-8")


@pytest.mark.integration
def test_the_readme_shows_real_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rb.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    ran = 0
    for block in (b for b in rb.blocks(README) if b.runs):
        if block.language == "python":
            exec(compile(block.text, "README.md", "exec"), {})
            ran += 1
            continue
        for command, shown in rb.commands(block):
            real = rb.run_command(command)
            assert not rb.differs(shown, real), f"python tests/readme_blocks.py records anew what this prints:\n{real}"
            ran += 1
    assert ran >= 6


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
    real = {option for each in parameters for option in (*each.opts, *each.secondary_opts)}
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


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    for link in links:
        assert (rb.ROOT / link).is_file(), link


def test_contributing_names_files_that_exist() -> None:
    text = (rb.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    for name in set(re.findall(r"`((?:attndsl|dsl|compiler|runtime|models|grammar|tests|examples)/[\w./-]+)`", text)):
        assert (rb.ROOT / name).exists(), name
