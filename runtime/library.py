"""Files of programs -> a library: a mapping from name to compiled program."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, diagnostic, fail
from attndsl.dsl.pyimport.aligners import Aligner, may_align
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.names import ProgramCheck
from attndsl.dsl.source import SourceFile
from attndsl.runtime.program import HostFunction, Outcome, Program

ALIGNERS = ("published", "offsets")
MAX_FILE_BYTES = 16 * 2**20
ENDINGS = (".attn", ".py")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Library(Mapping[str, Program]):
    """Programs by name, in the order of their files. ``diagnostics`` are findings about whole files."""

    def __init__(self, programs: Iterable[Program], diagnostics: Sequence[Diagnostic] = ()) -> None:
        self._programs = {program.name: program for program in programs}
        self.diagnostics = tuple(diagnostics)

    def __getitem__(self, name: str) -> Program:
        if name in self._programs:
            return self._programs[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._programs)

    def __len__(self) -> int:
        return len(self._programs)

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import library_html

        return library_html(self)

    def compiled(self) -> list[Program]:
        """The programs that can be run: lifted and bounded."""
        return [program for program in self.values() if program.outcome is not Outcome.REFUSED]


def load_library(
    paths: str | Path | Iterable[str | Path],
    host: Mapping[str, HostFunction] | None = None,
    causal: bool = True,
    aligner: str = "published",
) -> Library:
    """Read and compile files of programs: ``.attn`` (our language) and ``.py`` (written by an LLM; never executed).
    A folder stands for the files in it (``program_files``).

    ``host`` registers relations ``f(tokens, a, b) -> number`` (vocabulary strings and two positions) that
    programs call by name. ``causal`` says whether the
    heads are causal (see ``Program.predict``). ``aligner`` chooses how published programs map tokens to words:
    ``published`` keeps what their own helper does, ``offsets`` repairs it.

    Raises DiagnosticError: E0801 (a file that cannot be read), E00xx (syntax of an ``.attn`` file), E0803 (a name
    that two programs have).
    """
    if aligner not in ALIGNERS:
        raise fail("E0804", f"unknown aligner {aligner!r}", help=f"choose one of {', '.join(ALIGNERS)}")
    if isinstance(paths, str | Path):
        paths = [paths]
    programs: list[Program] = []
    findings: list[Diagnostic] = []
    for path in (file for named in paths for file in program_files(Path(named))):
        found, about_file = _load_file(path, host or {}, causal, aligner)
        programs += found
        findings += about_file
    _reject_same_names(programs)
    return Library(programs, findings)


def load_text(
    text: str,
    name: str,
    *,
    python: bool,
    causal: bool = True,
    host: Mapping[str, HostFunction] | None = None,
    watch: Callable[[], None] | None = None,
) -> Library:
    """The programs of a text, as ``load_library`` reads them from a file; ``name`` is what messages call it.

    ``watch`` is called before each program of a Python text; what it raises ends the reading.

    Raises DiagnosticError: E00xx (syntax), E01xx (Python that cannot be read at all), E0803.
    """
    source = SourceFile(name, text)
    if python:
        programs, findings = _load_python(source, host or {}, causal, "published", watch)
    else:
        programs, findings = _load_attn(source, host or {}, causal), []
    _reject_same_names(programs)
    return Library(programs, findings)


def builtin_library(causal: bool = True) -> Library:
    """The programs that come with attndsl."""
    from attndsl.dsl.library import builtin_programs

    trees = builtin_programs("causal" if causal else "bidirectional")
    return Library(_from_tree(tree, {}, causal) for tree in trees)


def program_files(path: Path, endings: tuple[str, ...] = ENDINGS) -> list[Path]:
    """The file; or all files with these endings in a folder and in those below it, by name.

    What is hidden, or named as ``__init__.py`` and ``__pycache__`` are, is no program. Raises DiagnosticError E0801 for
    a folder that has no program file, or that may not be read.
    """
    if not path.is_dir():
        return [path]

    def stop(error: OSError) -> NoReturn:
        advice = "check the folder's owner and mode"
        raise fail("E0801", f"no permission to read {error.filename}", help=advice) from error

    found: list[Path] = []
    for folder, below, names in os.walk(path, onerror=stop):
        below[:] = sorted(name for name in below if not name.startswith((".", "__")))
        found += [Path(folder, n) for n in sorted(names) if n.endswith(endings) and not n.startswith((".", "__"))]
    if not found:
        wanted = " or ".join(endings)
        raise fail("E0801", f"{path} is a folder without program files", help=f"their names end in {wanted}")
    return found


def read_source(path: Path) -> SourceFile:
    """The text of a file. Raises DiagnosticError E0801 with one clear line for each way that can fail."""
    advice = "give the path of a UTF-8 text file (.attn or .py)"
    try:
        with path.open("rb") as file:  # not the whole of it at once: a device such as /dev/zero has no end
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise fail("E0801", f"there is no file {path}", help=advice) from None
    except IsADirectoryError:
        raise fail("E0801", f"{path} is a folder", help=f"name the files in it: {path}/*.attn") from None
    except PermissionError:
        raise fail("E0801", f"no permission to read {path}", help="check the file's owner and mode") from None
    except OSError as error:
        raise fail("E0801", f"{path} cannot be read: {error.strerror or error}", help=advice) from None
    if len(data) > MAX_FILE_BYTES:
        raise fail(
            "E0801", f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB",
            help="programs are short texts: split the file, or check that it is the right one",
        )  # fmt: skip
    if data.startswith(_UTF16_MARKS):
        raise fail(
            "E0801", f"{path} is UTF-16 text, not UTF-8",
            help=f"convert it: iconv -f utf-16 -t utf-8 {path} > new-file",
        )  # fmt: skip
    data = data.removeprefix(b"\xef\xbb\xbf")  # the mark that some editors put in front of UTF-8
    if b"\0" in data[:8192]:
        raise fail("E0801", f"{path} is a binary file", help=advice)
    try:
        return SourceFile(str(path), data.decode("utf-8"))
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
        raise fail(
            "E0801", f"{path} is not UTF-8 text: byte 0x{data[error.start]:02x} in line {place}",
            help=f"convert it: iconv -f latin1 -t utf-8 {path} > new-file",
        ) from None  # fmt: skip


def _load_file(
    path: Path, host: Mapping[str, HostFunction], causal: bool, aligner: str
) -> tuple[list[Program], list[Diagnostic]]:
    source = read_source(path)
    _refuse_what_is_no_program_file(path, source.text)
    if path.suffix == ".py":
        from attndsl.dsl.pyimport import rare_collections

        with rare_collections():
            return _load_python(source, host, causal, aligner)
    return _load_attn(source, host, causal), []


def _refuse_what_is_no_program_file(path: Path, text: str) -> None:
    """Raises DiagnosticError E0801 for what can be said better than by what a parser did not expect."""
    if text.lstrip().startswith("```"):
        advice = "keep what stands between the ``` lines"
        raise fail("E0801", f"{path} is a model's whole answer: it begins with ```", help=advice)
    if path.suffix in ENDINGS:
        return
    if path.suffix == ".ipynb":
        raise fail("E0801", f"{path} is a notebook", help=f"save its code: jupyter nbconvert --to script {path}")
    if _PYTHON.search(text):
        advice = f"name it {path.stem}.py"
        raise fail("E0801", f"{path} holds Python, and its name does not end in .py", help=advice)


_PYTHON = re.compile(r"^(?:def \w+\(.*|import \w+.*|from \w+ import .*)$", re.MULTILINE)


def _load_attn(source: SourceFile, host: Mapping[str, HostFunction], causal: bool) -> list[Program]:
    from attndsl.dsl.parser import parse_library  # with the grammar, which Python files do not need

    return [_from_tree(tree, host, causal) for tree in parse_library(source)]


def _load_python(
    source: SourceFile,
    host: Mapping[str, HostFunction],
    causal: bool,
    aligner: str,
    watch: Callable[[], None] | None = None,
) -> tuple[list[Program], list[Diagnostic]]:
    from attndsl.dsl.pyimport import import_python

    repaired: dict[str, Aligner] = {}
    if aligner == "offsets":
        source, repaired = _repaired(source)
    module = import_python(source, tuple(host), repaired, watch)
    warnings = _drifting(module.module, module.checks) if aligner == "published" else []
    programs = []
    for imported in module.programs:
        typed = imported.typed
        bounded = None
        if imported.loops is not None:
            from attndsl.runtime.loops import compile_bounded

            bounded = compile_bounded(imported.loops)
        outcome = Outcome.LIFTED if typed else Outcome.BOUNDED if bounded else Outcome.REFUSED
        programs.append(
            Program(
                imported.name, outcome, tuple(imported.diagnostics), typed, bounded, source.text, causal, host,
                imported.description, bool(repaired),
            )
        )  # fmt: skip
    findings = [*module.diagnostics, *warnings]
    if not programs and not findings:
        help = "a program is a function f(sentence, tokenizer) that returns (name, matrix)"
        findings.append(diagnostic("E0816", f"{source.name} holds no program", help=help))
    return programs, findings


def _repaired(source: SourceFile) -> tuple[SourceFile, dict[str, Aligner]]:
    """The file with its aligners asking for true offsets, and those aligners."""
    from attndsl.dsl.pyimport.aligners import with_offsets
    from attndsl.dsl.pyimport.names import check_module
    from attndsl.dsl.pyimport.read import read_module
    from attndsl.runtime.aligner import find_aligners

    module = read_module(source.text, source.name)
    repaired = {f.aligner.name: f.aligner for f in find_aligners(module, check_module(module))}
    return with_offsets(module.source, module.tree, repaired), repaired


def _drifting(module: PyModule, checks: Mapping[str, ProgramCheck]) -> list[Diagnostic]:
    """Warnings of aligners that give other words than the tokens' offsets do."""
    helpers = {name for check in checks.values() for name in check.helpers}
    if not any(may_align(module.functions[name]) for name in helpers):
        return []  # and numpy is not loaded for them
    from attndsl.runtime.aligner import drift_warning, find_aligners

    return [drift_warning(found, module) for found in find_aligners(module, checks) if found.drifts]


def _from_tree(tree: N.Program, host: Mapping[str, HostFunction], causal: bool) -> Program:
    try:
        typed = check(tree)
    except DiagnosticError as error:
        return Program(tree.name, Outcome.REFUSED, error.diagnostics, causal=causal, host=host)
    return Program(tree.name, Outcome.LIFTED, typed.warnings, typed, causal=causal, host=host)


def _reject_same_names(programs: Sequence[Program]) -> None:
    seen: set[str] = set()
    errors = []
    for program in programs:
        if program.name in seen:
            errors.append(diagnostic("E0803", f"two programs are named {program.name!r}", help="rename one of them"))
        seen.add(program.name)
    if errors:
        raise DiagnosticError(errors)
