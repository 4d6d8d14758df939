"""Real weights are opt-in: tests marked ``acceptance`` run only when ``-m`` names them. Programs for several files."""

from __future__ import annotations

from typing import Any

import pytest

from attndsl.runtime.library import load_library


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "acceptance" in (config.getoption("markexpr") or ""):
        return
    real = [item for item in items if item.get_closest_marker("acceptance")]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two programs that are score modifications of FlexAttention, and a softmax, which is none."""
    file = tmp_path_factory.mktemp("programs") / "p.attn"
    file.write_text(
        'head "copies and decay" causal\nshare 0.5 over each k before q where k.text == q.text\n'
        "share 0.5 over each k by 0.8 ** (q - k)\nnormalize rows\n\n"
        'head "softmax" causal\nadd 1 to each k where k.is_punct\nsoftmax rows\n\n'
        'head "less" causal\nadd 1 to first\nadd 0 - 2 to self when q.is_punct\nnormalize rows\n'
    )
    return load_library([file])
