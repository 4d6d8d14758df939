"""Kernels on disk: shared by processes that compile at the same time, and done without where nothing can be written."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from attndsl.runtime.jit import NamedByKey, cached_njit
from attndsl.runtime.packing import copy_row


def process(code: str, **environment: str) -> str:
    """What a fresh process prints that runs this code."""
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout


TWICE = """
from attndsl.runtime.jit import cached_njit

@cached_njit(nogil=True)
def twice(x):
    return x + x
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of one kernel, kept in the same folder."""
    (tmp_path / "kernel_of_test.py").write_text(TWICE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path


def test_our_kernels_are_named_by_what_they_are_for() -> None:
    assert type(copy_row._cache._cache_file) is NamedByKey


def test_processes_that_compile_at_the_same_time_do_not_mix_kernels_up(module: Path) -> None:
    """Both have read the index, which is empty, before either writes: numba's own files would get the same number."""
    both = """
        import numpy as np
        import kernel_of_test as k
        from attndsl.runtime.jit import NamedByKey

        files = k.twice._cache._cache_file
        late = []
        NamedByKey._load_index = lambda self: {}
        NamedByKey._save_index = lambda self, index: late.append(index)
        k.twice(np.arange(3.0))
        k.twice(np.arange(3))
        del NamedByKey._load_index, NamedByKey._save_index
        merged = {key: name for index in late for key, name in index.items()}
        files._save_index(merged)
        print(len(merged), len(set(merged.values())))
    """
    assert process(both).split() == ["2", "2"]
    again = """
        import numpy as np
        import kernel_of_test as k
        found = [k.twice(np.array(numbers)).tolist() for numbers in ([0.5], [1, 2])]
        print(found, sum(k.twice.stats.cache_hits.values()))
    """
    assert process(again).strip() == "[[1.0], [2, 4]] 2"


def test_a_kernel_is_found_again_and_compiled_anew_when_its_source_changes(module: Path) -> None:
    once = "import kernel_of_test as k; print(k.twice(3), sum(k.twice.stats.cache_hits.values()))"
    assert [process(once).strip() for _ in range(2)] == ["6 0", "6 1"]
    (module / "kernel_of_test.py").write_text(TWICE.replace("x + x", "x * 30"), encoding="utf-8")
    assert [process(once, PYTHONDONTWRITEBYTECODE="1").strip() for _ in range(2)] == ["90 0", "90 1"]


def test_without_a_folder_to_write_to_kernels_are_compiled_all_the_same(module: Path) -> None:
    (module / "second_kernel.py").write_text(TWICE, encoding="utf-8")
    code = """
        import contextlib, io
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            import kernel_of_test, second_kernel
        print(kernel_of_test.twice(3), second_kernel.twice(4), said.getvalue().count("NUMBA_CACHE_DIR"))
    """
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": ""}
    assert process(code, **nowhere).strip() == "6 8 1"
    assert process(code).strip() == "6 8 0"


def test_other_errors_of_the_compiler_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> object:
        raise RuntimeError("something else")

    monkeypatch.setattr("attndsl.runtime.jit.njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        cached_njit(nogil=True)(np.sum)
