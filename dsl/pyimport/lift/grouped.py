"""Lists of lists of which the last one grows: ``groups.append([i])`` at a new word, else ``groups[-1].append(i)``.

Such a list becomes one of pairs, the number of the group and the item, and the number of groups so far. Behind the
loop the groups are made of it: ``[[x for k, x in pairs if k == g + 1] for g in range(count)]``.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.stacks import ITEM
from attndsl.dsl.pyimport.lift.uses import appended, flatten, is_empty_list, is_name, own_statements, placed, together


@dataclass
class _Plan:
    """A list of lists by name, the statement that begins it, the loop that fills it, and the changes in there."""

    name: str
    begin: ast.Assign
    loop: ast.For
    new: list[ast.stmt] = field(default_factory=list)  # ``groups.append([...])``
    more: list[ast.stmt] = field(default_factory=list)  # ``groups[-1].append(x)``

    @property
    def pairs(self) -> str:
        return f"items of {self.name}"

    @property
    def count(self) -> str:
        return f"number of {self.name}"

    @property
    def last(self) -> str:
        return f"last item of {self.name}"


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lists put so; itself when it has none."""
    if not _plans(function):
        return function
    function = copy.deepcopy(function)
    for plan in _plans(function):
        at = next(k for k, s in enumerate(function.body) if s is plan.loop)
        function.body[at : at + 1] = [s for s in [_Grouping(plan).visit(plan.loop)] if isinstance(s, ast.stmt)]
        function.body.insert(at + 1, _groups(plan))
        at = next(k for k, s in enumerate(function.body) if s is plan.begin)
        function.body[at] = _begun(plan)
    flatten(function)
    return function


def _to_last(x: ast.AST) -> tuple[str, ast.expr] | None:
    """The list and the item of ``groups[-1].append(x)``."""
    match x:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Subscript() as last, attr="append"), args=[item])):
            own = isinstance(last.value, ast.Name) and ast.unparse(last.slice) == "-1"
            return (ast.unparse(last.value), item) if own else None
    return None


def _plans(function: ast.FunctionDef) -> list[_Plan]:
    found = []
    names = {own[0] for x in pytree.walk(function) if (own := _to_last(x))}
    for name in sorted(names):
        bound = [s for s in function.body if isinstance(s, ast.Assign) and any(is_name(x, name) for x in s.targets)]
        bound = [s for s in bound if len(s.targets) == 1]  # with a second name the list could be changed by that one
        loops = [s for s in function.body if isinstance(s, ast.For)]
        loops = [s for s in loops if any((own := _to_last(x)) and own[0] == name for x in pytree.walk(s))]
        if len(bound) != 1 or len(loops) != 1 or bound[0].lineno > loops[0].lineno or _first(bound[0].value) is None:
            continue
        plan = _Plan(name, bound[0], loops[0])
        if _is_known(function, plan):
            found.append(plan)
    return found


def _first(x: ast.expr) -> list[ast.expr] | None:
    """The items of the first group of ``[[...]]``; none of an empty list, None of anything else."""
    if is_empty_list(x):
        return []
    return x.elts if isinstance(x, ast.List) and len(x.elts) == 1 and isinstance(x.elts[0], ast.List) else None


def _is_known(function: ast.FunctionDef, plan: _Plan) -> bool:
    """Everything before the end of the loop that mentions the list is one of the known changes and questions."""
    name = plan.name
    for s in own_statements(plan.loop.body):
        item = appended(s, name)
        if isinstance(item, ast.List) and len(item.elts) <= 1:
            plan.new.append(s)
        elif (own := _to_last(s)) and own[0] == name:
            plan.more.append(s)
    known = {id(x) for s in (*plan.new, *plan.more) for x in [_base(s)]}
    asked = _Grouping(plan)
    for x in pytree.walk(plan.loop):
        known |= {id(y) for y in asked.questions(x)}
    inside = [x for x in pytree.walk(plan.loop) if is_name(x, name)]
    before = [x for s in function.body for x in pytree.walk(s) if is_name(x, name) and x.lineno < plan.loop.lineno]  # type: ignore[attr-defined]
    inner = [x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function]
    hidden = any(is_name(y, name) for x in inner for y in pytree.walk(x))
    return bool(plan.new) and all(id(x) in known for x in inside) and len(before) == 1 and not hidden


def _base(s: ast.stmt) -> ast.AST:
    """The list's own name in a change."""
    base = next(x.value for x in pytree.walk(s) if isinstance(x, ast.Attribute))  # ``append`` itself comes first
    return base.value if isinstance(base, ast.Subscript) else base


def _begun(plan: _Plan) -> ast.stmt:
    first = _first(plan.begin.value) or []
    count = ast.Assign([ast.Name(plan.count, ast.Store())], ast.Constant(len(first)))
    items = [e for own in first if isinstance(own, ast.List) for e in own.elts]
    pairs = ast.List([ast.Tuple([ast.Constant(1), e], ast.Load()) for e in items], ast.Load())
    made: list[ast.stmt] = [ast.Assign([ast.Name(plan.pairs, ast.Store())], pairs), count]
    last = items[-1] if items else ast.Constant(0)
    made.append(ast.Assign([ast.Name(plan.last, ast.Store())], copy.deepcopy(last)))
    return together(*(placed(s, plan.begin) for s in made))


def _groups(plan: _Plan) -> ast.stmt:
    group, item, number = (f"{what} of {plan.name}" for what in ("group", "item", "number of the group"))
    same = ast.BinOp(ast.Name(group, ast.Load()), ast.Add(), ast.Constant(1))
    test = ast.Compare(ast.Name(number, ast.Load()), [ast.Eq()], [same])
    pair = ast.Tuple([ast.Name(number, ast.Store()), ast.Name(item, ast.Store())], ast.Store())
    walk = ast.comprehension(pair, ast.Name(plan.pairs, ast.Load()), [test], False)
    one = ast.ListComp(ast.Name(item, ast.Load()), [walk])
    every = ast.Call(ast.Name("range", ast.Load()), [ast.Name(plan.count, ast.Load())], [])
    made = ast.ListComp(one, [ast.comprehension(ast.Name(group, ast.Store()), every, [], False)])
    return placed(ast.Assign([ast.Name(plan.name, ast.Store())], made), plan.loop)


def _truths(test: ast.expr) -> list[ast.expr]:
    """The parts of a condition that are asked for their truth."""
    if isinstance(test, ast.BoolOp):
        return [y for v in test.values for y in _truths(v)]
    return _truths(test.operand) if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else [test]


def _behind_questions(plan: _Plan) -> set[int]:
    """What is evaluated only where the list has been found not to be empty."""
    found: list[ast.AST] = []
    for x in pytree.walk(plan.loop):
        match x:
            case ast.BoolOp(op=ast.And(), values=values):
                at = next((at for at, v in enumerate(values) if _has_groups(v, plan.name)), len(values))
                found += values[at + 1 :]
            case ast.If(test=test, body=body):
                found += body if _has_groups(test, plan.name) else []
            case ast.IfExp(test=test, body=one) if _has_groups(test, plan.name):
                found.append(one)
    return {id(y) for y in pytree.walk(*found)}


def _has_groups(test: ast.expr, name: str) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_has_groups(v, name) for v in test.values)
    return is_name(test, name) or ast.unparse(test) in (f"len({name}) > 0", f"len({name}) >= 1", f"len({name}) != 0")


class _Grouping(ast.NodeTransformer):
    """The loop with the pairs and the number of groups in the place of the list."""

    def __init__(self, plan: _Plan) -> None:
        self.plan = plan

    def questions(self, x: ast.AST) -> list[ast.AST]:
        """The names of the list in what is asked of it: its truth, its length and its last item."""
        name = self.plan.name
        match x:
            case ast.If(test=own) | ast.IfExp(test=own):
                return [y for y in _truths(own) if is_name(y, name)]
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=own) as read]):
                return [read] if own == name else []
            case ast.Subscript(value=ast.Subscript(value=ast.Name(id=own) as read, slice=a), slice=b, ctx=ast.Load()):
                last = own == name and ast.unparse(a) == ast.unparse(b) == "-1"
                return [read] if last and self._all_have() and self._is_there(read) else []
        return []

    def _is_there(self, read: ast.AST) -> bool:
        """There is a group when the last one is asked for: the loop begins with one, or the program has asked."""
        return bool(_first(self.plan.begin.value)) or id(read) in _behind_questions(self.plan)

    def _all_have(self) -> bool:
        """Every group is begun with an item."""
        begun = _first(self.plan.begin.value) or []
        groups = [appended(s, self.plan.name) for s in self.plan.new] + begun
        return all(isinstance(g, ast.List) and g.elts for g in groups)

    def visit(self, node: ast.AST) -> ast.AST:
        plan = self.plan
        if isinstance(node, ast.stmt) and node in plan.new:
            return together(*(placed(s, node) for s in self._new(node)))
        if isinstance(node, ast.stmt) and node in plan.more:
            added = _to_last(node)
            assert added is not None
            there = ast.Assert(ast.Compare(self._count(), [ast.Gt()], [ast.Constant(0)]), None)
            return together(*(placed(s, node) for s in [there, *self._item(self.visit(added[1]))]))
        match node:
            case ast.Subscript(value=ast.Subscript(value=ast.Name(id=own))) if own == plan.name:
                return placed(self._last(), node)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=own)]) if own == plan.name:
                return placed(self._count(), node)
            case ast.Name(id=own) if own == plan.name:
                return placed(ast.Compare(self._count(), [ast.Gt()], [ast.Constant(0)]), node)
        visited: ast.AST = super().visit(node)
        return visited

    def _last(self) -> ast.expr:
        """The last item. Python fails where there is no group yet."""
        last = ast.Name(self.plan.last, ast.Load())
        if _first(self.plan.begin.value):
            return last
        known = ast.IfExp(ast.Compare(self._count(), [ast.Gt()], [ast.Constant(0)]), last, ast.Constant(None))
        return ast.Call(ast.Name(ITEM, ast.Load()), [known], [])

    def _count(self) -> ast.expr:
        return ast.Name(self.plan.count, ast.Load())

    def _new(self, node: ast.stmt) -> list[ast.stmt]:
        group = appended(node, self.plan.name)
        assert isinstance(group, ast.List)
        more = ast.BinOp(self._count(), ast.Add(), ast.Constant(1))
        begun = ast.Assign([ast.Name(self.plan.count, ast.Store())], more)
        if not group.elts:
            return [begun]
        last, added = self._item(self.visit(group.elts[0]))  # the item may ask how many groups came before its own
        return [last, begun, added]

    def _item(self, value: ast.AST) -> list[ast.stmt]:
        """What makes the item the last one, and what adds it to the group at work."""
        assert isinstance(value, ast.expr)
        last = ast.Assign([ast.Name(self.plan.last, ast.Store())], value)
        pair = ast.Tuple([self._count(), ast.Name(self.plan.last, ast.Load())], ast.Load())
        into = ast.Attribute(ast.Name(self.plan.pairs, ast.Load()), "append", ast.Load())
        return [last, ast.Expr(ast.Call(into, [pair], []))]
