"""Head names."""

from __future__ import annotations

import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.heads import all_heads, format_head, parse_heads

HEADS = {0: 2, 1: 2, 2: 2}


def test_lists_keep_their_order_and_lose_repeats() -> None:
    assert parse_heads("L2H1, L0,l0h1", HEADS) == [(2, 1), (0, 0), (0, 1)]
    assert parse_heads(["L1"], HEADS) == [(1, 0), (1, 1)]


def test_names_round_trip() -> None:
    assert parse_heads(",".join(format_head(*head) for head in all_heads(HEADS)), HEADS) == all_heads(HEADS)


@pytest.mark.parametrize("name", ["L3H0", "L0H2", "L3", "H1", "", "L-1H0", "5", "L0H0H1"])
def test_unknown_heads(name: str) -> None:
    with pytest.raises(DiagnosticError, match="E0612") as caught:
        parse_heads(name, HEADS)
    assert caught.value.diagnostics[0].help is not None
    if name.startswith(("L3", "L0H2")):
        assert "L0-L2, H0-H1" in caught.value.diagnostics[0].help


def test_ranges_of_uneven_layers_are_listed() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse_heads("L9", {1: 2, 4: 3})
    assert caught.value.diagnostics[0].help == "its heads are L1H0-H1, L4H0-H2"
