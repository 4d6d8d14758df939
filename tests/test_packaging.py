"""What is installed is what is in the repository: every folder with Python files is a package that is listed."""

import tomllib

from readme_blocks import ROOT


def test_every_folder_is_a_listed_package() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    mapped = {folder: package for package, folder in setup["package-dir"].items()}
    found = {
        ".".join([mapped[path.relative_to(ROOT).parts[0]], *path.relative_to(ROOT).parts[1:-1]])
        for folder in mapped
        for path in (ROOT / folder).rglob("*.py")
    }
    assert found == set(setup["packages"])


def test_every_kind_of_data_file_is_taken_along() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = setup["package-data"]["*"]
    for folder in setup["package-dir"].values():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc"):
                assert any(path.match(pattern) for pattern in patterns), path.relative_to(ROOT)
