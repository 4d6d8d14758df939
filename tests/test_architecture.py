"""The house rules that a machine can read: import arrows, lazily loaded libraries, sizes of files."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dsl", "grammar", "compiler", "runtime", "synth", "models", "attndsl")

# package -> packages of ours that it may import. dsl <- compiler <- runtime <- synth, an arrow also allows what lies
# further left; runtime <- models; synth and models never import each other; nothing imports the front door.
ARROWS = {
    "grammar": set(),
    "dsl": {"grammar"},
    "compiler": {"dsl"},
    "runtime": {"dsl", "compiler"},
    "synth": {"dsl", "compiler", "runtime", "grammar"},
    "models": {"runtime", "dsl"},
    "attndsl": {"dsl", "grammar", "compiler", "runtime", "synth", "models"},
}
MODELS_OF_DSL = {"attndsl.dsl.diagnostics"}  # models sees runtime only; refusing something is everybody's

# library -> where it may be imported at all
HEAVY = {
    "numba": ("runtime/",),
    "llvmlite": ("runtime/",),
    "spacy": ("runtime/",),
    "torch": (
        "compiler/emit_torch.py",
        "runtime/",
        "models/",
        "attndsl/cli/jobs.py",
        "synth/local.py",
    ),  # jobs: a device
    "transformers": ("models/", "synth/"),
}

MOST_LINES = 400
LONGER: dict[str, str] = {}  # file -> why it may be longer, until it is split


def sources():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield package, path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def imports(text):
    """Every imported module of a file, those inside functions too; ``from a import b`` gives a and a.b."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            assert node.module is not None
            yield node.lineno, node.module
            if node.module == "attndsl":
                yield from ((node.lineno, f"attndsl.{alias.name}") for alias in node.names)


def owner(module):
    """Which of our packages a module belongs to; anything else under attndsl is the front door."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ARROWS else "attndsl"


def wrong_arrows(package, name, text):
    for line, module in imports(text):
        if module.split(".")[0] != "attndsl":
            continue
        target = owner(module)
        beyond = target != package and target not in ARROWS[package]
        if beyond or (package == "models" and target == "dsl" and module not in MODELS_OF_DSL):
            yield f"{name}:{line} imports {module}"


def test_imports_follow_the_arrows():
    found = [problem for package, name, text in sources() for problem in wrong_arrows(package, name, text)]
    assert found == []


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("dsl", "from attndsl.compiler import machine"),
        ("compiler", "def f():\n    import attndsl.runtime.tokenize"),
        ("models", "from attndsl.synth import anything"),
        ("models", "from attndsl.dsl.checker import check"),
        ("runtime", "import attndsl"),
        ("runtime", "from attndsl import cli"),
        ("grammar", "from attndsl.dsl.nodes import Program"),
        ("synth", "from attndsl.models import load"),
    ],
)
def test_a_wrong_arrow_is_found(package, text):
    assert list(wrong_arrows(package, "x.py", text)) != []


def test_heavy_libraries_stay_where_they_belong():
    found = []
    for _, name, text in sources():
        for line, module in imports(text):
            places = HEAVY.get(module.split(".")[0])
            if places is not None and not name.startswith(places):
                found.append(f"{name}:{line} imports {module}")
    assert found == []


def test_files_are_short():
    lengths = {name: text.count("\n") for _, name, text in sources()}
    assert {name for name, count in lengths.items() if count > MOST_LINES} <= set(LONGER)


def test_the_list_of_longer_files_is_needed():
    lengths = {name: text.count("\n") for _, name, text in sources()}
    assert [name for name in LONGER if lengths.get(name, 0) <= MOST_LINES] == []


def test_no_file_is_named_after_nothing():
    names = {Path(name).stem for _, name, _ in sources()}
    assert names.isdisjoint({"utils", "helpers", "misc", "common"})


def test_every_package_is_listed():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    folders = [path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert {name if name.startswith("attndsl") else f"attndsl.{name}" for name in names} == listed
