"""Lists of lists and dicts of lists put in another form: which statements are taken for what, and the new text."""

from __future__ import annotations

import ast
import textwrap

import pytest
from test_terms import same_as_recorded

from attndsl.dsl.pyimport.lift import buckets, grouped


def _function(body: str) -> ast.FunctionDef:
    (found,) = ast.parse("def f(tokens, n):\n" + textwrap.indent(body, "    ")).body
    assert isinstance(found, ast.FunctionDef)
    return found


def _text(function: ast.FunctionDef) -> str:
    return textwrap.dedent(ast.unparse(ast.fix_missing_locations(function)).split("\n", 1)[1])


LOOP = """{begin}
for i in range(n):
    {question}:
        {new}
    else:
        {more}
{end}
"""
USUAL = {"begin": "groups = []", "question": "if i == 0", "new": "groups.append([i])", "more": "groups[-1].append(i)"}
USUAL["end"] = "return groups"
OTHERS = [
    {"begin": "groups = [[7]]", "question": "if groups[-1][-1] < i"},
    {"begin": "groups = [[]]", "question": "if groups[-1][-1] < i"},
    {"begin": "groups = [[7]]", "question": "if groups[-1][-1] < i", "new": "groups.append([])"},
    {"begin": "groups = [[7]]", "question": "if groups[-1][-1] < i", "more": "groups[-1].append(7)"},
    {"question": "if -groups"},
    {"end": "return lambda: groups"},
    {"end": "def g():\n    return groups"},
    {"end": "for i in range(n):\n    others[-1].append(i)"},
    {"end": "for i in range(n):\n    groups[-1].append(i)"},
    {"begin": "groups = [[]]"},
    {"begin": "groups = [[7]]"},
    {"begin": "groups = [[7, 8]]"},
    {"begin": "groups = [[7], []]"},
    {"begin": "groups = [(7,)]"},
    {"begin": "groups = list()"},
    {"begin": "groups = other = []"},
    {"begin": "groups = None"},
    {"begin": "groups = []\ngroups = []"},
    {"begin": "groups = []\nprint(groups)"},
    {"new": "groups.append([])"},
    {"new": "groups.append([i, i])"},
    {"new": "groups.append(i)"},
    {"new": "groups.append([groups[-1][-1]])"},
    {"new": "groups.append([len(groups)])"},
    {"new": "others.append([i])"},
    {"more": "groups[0].append(i)"},
    {"more": "groups[-1].append(len(groups))"},
    {"more": "groups[-1].append(i, i)"},
    {"more": "groups[-1].extend([i])"},
    {"more": "self.groups[-1].append(i)"},
    {"more": "others[-1].append(i)"},
    {"more": "groups.pop()"},
    {"more": "groups[-1].append(groups[-1][-1] + 1)"},
    {"more": "for j in tokens:\n            groups[-1].append(j)"},
    {"question": "if not groups or groups[-1][-1] < i"},
    {"question": "if len(groups) < 2"},
    {"question": "if groups == []"},
    {"question": "if groups[-1]"},
    {"question": "if groups[-1][0] == i"},
    {"question": "if groups[-2][-1] == i"},
    {"question": "if len(groups, 1)"},
    {"question": "if (1 if groups else 2) == i"},
    {"question": "if groups and not (i or groups)"},
    {"begin": "def g():\n    return groups\ngroups = []"},
    {"begin": "g = lambda: len(groups)\ngroups = []"},
    {"begin": "for k in range(n):\n    groups[-1].append(k)\ngroups = []"},
    {"begin": "try:\n    x = 1\nexcept ValueError:\n    x = 2\ngroups = []"},
]


def test_lists_of_groups_are_put_as_recorded(request: pytest.FixtureRequest) -> None:
    lines = []
    for other in ({}, *OTHERS):
        function = _function(LOOP.format(**{**USUAL, **other}))
        before = _text(function)
        found = grouped.rewritten(function)
        assert _text(function) == before, "the function itself stays"
        lines.append(f"{before}\n=>\n{'itself' if found is function else _text(found)}\n\n")
    two = LOOP.format(**USUAL).replace("return groups\n", "")
    two = f"others = []\n{two}    if i:\n        others.append([groups[-1][-1]])\n    others[-1].append(i)\n"
    lines.append(f"{two}\n=>\n{_text(grouped.rewritten(_function(two)))}\n")
    same_as_recorded("groups", "".join(lines).splitlines(keepends=True), request)


def test_what_is_appended_to_the_last_group_is_known_by_its_form() -> None:
    for text, wanted in (
        ("groups[-1].append(x)", "groups"),
        ("groups[0].append(x)", None),
        ("a.b[-1].append(x)", None),
        ("f()[-1].append(x)", None),
        ("groups[-1].append(x, y)", None),
        ("groups[-1].extend(x)", None),
        ("groups.append(x)", None),
        ("groups[-2].append(x)", None),
        ("groups[i].append(x)", None),
        ("x = groups[-1].append(x)", None),
    ):
        found = grouped._to_last(ast.parse(text).body[0])
        assert (found and found[0]) == wanted, text
        assert found is None or ast.unparse(found[1]) == "x"


DICTS = (
    "d = {'a': [], 'b': []}",
    "d = {'a': set(), 'b': set()}",
    "d = dict(a=[], b=[])",
    "d: dict = {'a': [], 1: list()}",
    "d = {'a': [], 'b': set()}",
    "d = {'a': [1], 'b': []}",
    "d = {k: [], 'b': []}",
    "d = {'a': [], **d}",
    "d = dict(**d)",
    "d = dict(x)",
    "e = d = {'a': []}",
    "d: dict",
    "d = {}",
    "d = 3",
    "d[0] = {'a': []}",
    "d = {'a': []}\nd = {'b': []}",
)
READS = (
    "d[k].append(1)",
    "d[k].append(1)\nif k in d:\n    pass",
    "d[k].append(1)\nif k not in d:\n    pass",
    "d[k] = 1\nif k in d:\n    pass",
    "d['a'].append(1)",
    "d[k].append(1)\nx = d.items()\nif k in d:\n    pass",
    "d[k].append(1)\nx = d.pop(k)\nif k in d:\n    pass",
    "d[k].append(1)\nfor x in d:\n    pass\nif k in d:\n    pass",
    "d[k].append(1)\nf(d)\nif k in d:\n    pass",
    "d[k].append(1)\nif k in x:\n    pass",
    "d[k].append(1)\nif d == k:\n    pass",
    "d[k].append(1)\ndel d[k]\nif k in d:\n    pass",
    "d[k].append(1)\ng = lambda: d\nif k in d:\n    pass",
)


def test_dicts_of_lists_are_put_as_recorded(request: pytest.FixtureRequest) -> None:
    lines = []
    for made, read in [*((x, READS[1]) for x in DICTS), *((DICTS[0], x) for x in READS)]:
        function = _function(f"{made}\n{read}\n")
        lines.append(f"{_text(function)}\n=>\n{_text(buckets.rewritten(function))}\n\n")
    same_as_recorded("buckets", "".join(lines).splitlines(keepends=True), request)
