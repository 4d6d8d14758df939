"""No code path outside the sandbox's child compiles or executes text: a static walk, and a watched run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import attndsl.dsl
import attndsl.runtime.sandbox

ROOT = Path(attndsl.runtime.sandbox.__file__).resolve().parents[2]
FOLDERS = ("attndsl", "dsl", "compiler", "runtime", "synth", "models", "grammar")
DANGEROUS = {"exec", "eval", "compile", "__import__", "execfile"}
DANGEROUS_ATTRIBUTES = {
    "builtins": DANGEROUS,
    "importlib": {"import_module", "reload"},
    "runpy": {"run_path", "run_module"},
    "code": {"InteractiveInterpreter", "InteractiveConsole"},
    "pickle": {"load", "loads", "Unpickler"},
    "marshal": {"load", "loads"},
    "torch": {"load"},
    "numexpr": {"evaluate"},
}
ALLOWED = {
    # The child of the sandbox, after it is locked: the one place that runs generated text.
    ("runtime/sandbox/child.py", "compile"): 1,
    ("runtime/sandbox/child.py", "exec"): 1,
    # The name is looked up in a fixed list of the standard library first.
    ("runtime/loops/members.py", "importlib.import_module"): 1,
    # An object that this very process has just pickled, to see whether another one could have it.
    ("attndsl/store/workers.py", "pickle.loads"): 1,
    # A fixed name, to have it loaded before files are out of reach.
    ("runtime/sandbox/warm.py", "importlib.import_module"): 1,
}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call | ast.AST]]:
    """Every call, or mention, of something that turns text or bytes into running code."""
    found: list[tuple[str, ast.Call | ast.AST]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in DANGEROUS and isinstance(node.ctx, ast.Load):
            found.append((node.id, node))
        elif isinstance(node, ast.Call) and _called(node) in ("FunctionType", "CodeType", "LambdaType"):
            found.append((_called(node), node))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in DANGEROUS_ATTRIBUTES.get(node.value.id, ()):
                found.append((f"{node.value.id}.{node.attr}", node))
        elif isinstance(node, ast.ImportFrom) and node.module in DANGEROUS_ATTRIBUTES:
            found.extend(
                (f"{node.module}.{alias.name}", node)
                for alias in node.names
                if alias.name in DANGEROUS_ATTRIBUTES[node.module]
            )
    return found


def _called(node: ast.Call) -> str:
    """The name a call calls: bare, or as a member of the module ``types`` (llvmlite has a FunctionType of its own)."""
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "types":
        return node.func.attr
    return getattr(node.func, "id", "")


def constant_arguments(tree: ast.AST, name: str) -> bool:
    """Whether every call of ``module.attribute`` in the tree has constant first argument (no generated text)."""
    module, _, attribute = name.partition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
            target = node.func.value
            if isinstance(target, ast.Name) and target.id == module and not isinstance(node.args[0], ast.Constant):
                return False
    return True


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if (ROOT / folder).is_dir())


def test_the_walk_sees_the_whole_package() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sources()}
    assert {"runtime/sandbox/child.py", "dsl/gate.py", "attndsl/sandbox.py"} <= names


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_else_turns_text_into_code(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    counted: dict[str, int] = {}
    for what, _ in calls(tree):
        counted[what] = counted.get(what, 0) + 1
    for what in list(counted):
        if what == "importlib.import_module" and constant_arguments(tree, what):
            del counted[what]  # a fixed module, loaded late
    assert counted == {what: n for (file, what), n in ALLOWED.items() if file == name and what in counted}


def test_the_walk_finds_what_it_looks_for() -> None:
    text = (
        "import builtins, torch\nf = eval\nbuiltins.exec('1')\ncompile('1', '', 'eval')\n"
        "torch.load(p)\nfrom pickle import loads\n"
    )
    assert sorted(name for name, _ in calls(ast.parse(text))) == [
        "builtins.exec", "compile", "eval", "pickle.loads", "torch.load",
    ]  # fmt: skip


WATCHED = """
import sys
SECRET = "generated_program_marker"
events = []
def watch(event, args):
    if event == "exec":
        code = args[0]
        if SECRET in repr(code.co_consts) or SECRET in repr(code.co_names):
            events.append((event, code.co_filename))
    elif event == "import" and SECRET in str(args[0]):
        events.append((event, args[0]))
    elif event == "compile" and args[0] is not None and SECRET in str(args[0]) and args[1] != "<unknown>":
        events.append((event, args[1]))  # "<unknown>" is ast.parse, which builds a tree and no code
sys.addaudithook(watch)
sys.path.insert(0, sys.argv[1])
from sandbox_cases import table
from attndsl.runtime.sandbox import run
source = f'''
{SECRET} = "{SECRET}"
def predict(sentence, tokens):
    n = len(tokens)
    return [[float(len({SECRET}))] * n for _ in range(n)]
'''
print(run(source, table().text, table())[0, 0], events)
exec(compile(source, "trap", "exec"), {})
print(len(events) >= 2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="programs are isolated on Linux only")
def test_a_watched_run_executes_nothing_of_the_program_in_this_process() -> None:
    """Python's own audit events: the parent compiles and executes nothing; the trap shows that the watch works."""
    folder = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, folder], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split("\n")[:2] == ["24.0 []", "True"]
