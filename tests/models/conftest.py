"""Real weights are opt-in: tests marked ``acceptance`` run only when ``-m`` names them."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "acceptance" in (config.getoption("markexpr") or ""):
        return
    real = [item for item in items if item.get_closest_marker("acceptance")]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]
