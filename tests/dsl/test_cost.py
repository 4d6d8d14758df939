"""Cost classes of programs, read off the tree."""

import pytest

from attndsl.dsl.checker import check
from attndsl.dsl.cost import cost_of
from attndsl.dsl.parser import parse_program


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("add 1 to first", "O(n)"),
        ("add 1 to each k from q - 3 before q", "O(n·w)"),
        ("add 1 to each k from max(0, q - 3) upto self", "O(n·w)"),
        ("add 1 to each k from q - 3", "O(n^2)"),
        ("add 1 to last(t before q where t.raw == q.raw)", "O(n^2)"),
        ("add 1 to each k where any(t before k where t.raw == k.raw)", "O(n^3)"),
        ("let Seen(t) = any(u before t where u.raw == t.raw)\nadd 1 to each k where Seen(k)", "O(n^3)"),
        ("add 1 to each k from q - 3 where any(t from k - 2 upto k where t.is_punct)", "O(n^2·w)"),
        ("add 1 to first when row.sum < 1", "O(n^2)"),
        ("softmax rows", "O(n^2)"),
    ],
)
def test_cost(rules: str, expected: str) -> None:
    assert str(cost_of(check(parse_program(f'head "x" causal\n{rules}')))) == expected
