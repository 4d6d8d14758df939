"""Lists that a loop starts anew: ``segment.append(i)``, and ``segment = []`` at a full stop.

Such a list holds what was appended since the iteration that started it last. Here it is put so: one list that keeps
everything, and the number of the iteration from which on the elements count. No name of a program has a space in it,
so the new ones have.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import (
    Read,
    appended,
    flatten,
    in_own_block,
    is_empty_list,
    is_kept,
    is_name,
    is_plain,
    loads,
    own_statements,
    placed,
    stores,
    together,
)


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lists put as two names; itself when it has none."""
    names = {name for x in pytree.walk(function) if isinstance(x, ast.For) for name in _restarts(x)}
    names = {name for name in names if _planned(function, name) is not None}
    if not names:
        return function
    function = copy.deepcopy(function)
    for name in sorted(names):
        _rewrite(function, name)
    return function


def _restarts(loop: ast.For) -> set[str]:
    """Names that the loop's own iterations set to an empty or new list and append to."""
    own = own_statements(loop.body)
    names = {name for s in own if (name := _restarted(s))}
    return {name for name in names if any(appended(s, name) is not None for s in own)} if names else names


def _restarted(s: ast.stmt) -> str | None:
    """The name x of ``x = []``, ``x = [e]`` and ``x.clear()``."""
    if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name):
        return s.targets[0].id if is_empty_list(s.value) or _single(s.value) is not None else None
    match s:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="clear"), args=[], keywords=[])):
            return name
    return None


def _single(x: ast.expr) -> ast.expr | None:
    return (
        x.elts[0] if isinstance(x, ast.List) and len(x.elts) == 1 and not isinstance(x.elts[0], ast.Starred) else None
    )


@dataclass
class _Plan:
    """How one list of one loop is rewritten."""

    name: str
    loop: ast.For
    begin: ast.stmt
    after: list[ast.stmt]
    place: str = ""
    later: dict[ast.stmt, bool] = field(default_factory=dict)  # of a restart: it counts from the next iteration on

    @property
    def whole(self) -> str:
        return f"all of {self.name}"

    @property
    def since(self) -> str:
        return f"start of {self.name}"


def _rewrite(function: ast.FunctionDef, name: str) -> None:
    """Rewrite the list of that name, where all its uses are of the known sorts."""
    plan = _planned(function, name)
    if plan is not None:
        _number(plan)
        _Restarting(plan).inside(function)


def _planned(function: ast.FunctionDef, name: str) -> _Plan | None:
    loops = [x for x in pytree.walk(function) if isinstance(x, ast.For) and name in _restarts(x)]
    if len(loops) != 1:
        return None
    (loop,) = loops
    own = own_statements(loop.body)
    restarts = [s for s in own if _restarted(s) == name]
    appends = [s for s in own if appended(s, name) is not None]
    begins = [s for s in stores(function, name) if s not in restarts]
    begin = begins[0] if len(begins) == 1 else None
    if not appends or not isinstance(begin, ast.stmt) or not _is_begin(function, begin, loop):
        return None
    block = in_own_block(function, loop)
    plan = _Plan(name, loop, begin, block[block.index(loop) + 1 :])
    if not all(_settle(plan, s) for s in restarts):
        return None
    accounted = _uses_of([*restarts, *appends], name) + 1
    reads = loads(function, name, [*restarts, *appends])
    if reads is None or accounted + len(reads) != sum(is_name(x, name) for x in pytree.walk(function)):
        return None
    ok = all(is_plain(r) or _handed_over(plan, r) for r in reads)
    return plan if ok else None


def _uses_of(statements: list[ast.stmt], name: str) -> int:
    """One use of the name in each of the statements, whose other parts may not speak of it."""
    counts = [sum(is_name(x, name) for x in pytree.walk(s)) for s in statements]
    return sum(counts) if all(c == 1 for c in counts) else -1_000_000


def _is_begin(function: ast.FunctionDef, s: ast.stmt, loop: ast.For) -> bool:
    """The list is made empty in the block of the loop, before it."""
    value = s.value if isinstance(s, ast.Assign | ast.AnnAssign) else None
    block = in_own_block(function, loop)
    return value is not None and is_empty_list(value) and s in block[: block.index(loop)]


def _settle(plan: _Plan, restart: ast.stmt) -> bool:
    """From which iteration on the elements count; False where some of the same one count and others do not."""
    before, after = _around(plan.loop.body, restart, plan.name)
    has_element = isinstance(restart, ast.Assign) and _single(restart.value) is not None
    if not after and not has_element:
        plan.later[restart] = True
    elif not before:
        plan.later[restart] = False
    return restart in plan.later


def _around(block: list[ast.stmt], restart: ast.stmt, name: str) -> tuple[bool, bool]:
    """Whether an append may happen in an iteration before the restart, and after it."""
    for at, s in enumerate(block):
        inside = s is restart
        before = after = False
        if isinstance(s, ast.If):
            for side in (s.body, s.orelse):
                if any(x is restart for x in own_statements(side)):
                    inside = True
                    before, after = _around(side, restart, name)
        if inside:
            first, then = (any(_adds(x, name) for x in own_statements(b)) for b in (block[:at], block[at + 1 :]))
            return before or first, after or then
    return False, False


def _adds(s: ast.stmt, name: str) -> bool:
    if appended(s, name) is not None:
        return True
    return isinstance(s, ast.Assign) and _restarted(s) == name and _single(s.value) is not None


def _handed_over(plan: _Plan, read: Read) -> bool:
    """``segments.append(segment)`` keeps the list, to which nothing is appended any more: it is started anew next."""
    if not any(x is read.node for x in pytree.walk(plan.loop)):
        return is_kept(read, False) and any(x is read.node for x in pytree.walk(*plan.after))
    for s in _following(plan.loop.body, read.node) or () if is_kept(read, True) else ():
        if s in plan.later:
            return isinstance(s, ast.Assign)
        own = isinstance(s, ast.Assign | ast.AugAssign | ast.Expr)
        if not own or any(is_name(x, plan.name) for x in pytree.walk(s)):
            return False
    return False


def _following(block: list[ast.stmt], read: ast.AST) -> list[ast.stmt] | None:
    """The statements of the iteration that come after the simple one which reads; None when there is no such one."""
    for at, s in enumerate(block):
        if not any(x is read for x in pytree.walk(s)):
            continue
        if isinstance(s, ast.Expr | ast.Assign | ast.AugAssign):
            return block[at + 1 :]
        if isinstance(s, ast.If):
            for side in (s.body, s.orelse):
                inside = _following(side, read)
                if inside is not None:
                    return [*inside, *block[at + 1 :]]
    return None


# ---------------------------------------------------------------- the number of an iteration


def _number(plan: _Plan) -> None:
    """Find the name that counts the iterations, or give the loop one."""
    loop = plan.loop
    plan.place = _counter(loop) or f"place in {plan.name}"
    if not _counter(loop):
        pair = ast.Tuple([ast.Name(plan.place, ast.Store()), loop.target], ast.Store())
        loop.target = placed(pair, loop.iter)
        loop.iter = placed(ast.Call(ast.Name("enumerate", ast.Load()), [loop.iter], []), loop.iter)


def _counter(loop: ast.For) -> str | None:
    """The name that is 0, 1, ... (or begins later) from iteration to iteration."""
    match loop:
        case ast.For(
            target=ast.Name(id=name),
            iter=ast.Call(func=ast.Name(id="range"), args=[_] | [ast.Constant(value=int()), _], keywords=[]),
        ):
            pass
        case ast.For(
            target=ast.Tuple(elts=[ast.Name(id=name), *_]),
            iter=ast.Call(func=ast.Name(id="enumerate"), args=[_], keywords=[]),
        ):
            pass
        case _:
            return None
    changed = any(is_name(x, name) and not isinstance(x.ctx, ast.Load) for x in pytree.walk(*loop.body))  # type: ignore[attr-defined]
    return None if changed else name


class _Restarting(ast.NodeTransformer):
    """The statements and reads of the list in their new form."""

    def __init__(self, plan: _Plan) -> None:
        self.plan = plan

    def inside(self, function: ast.FunctionDef) -> None:
        for at, s in enumerate(function.body):
            changed = self.visit(s)
            assert isinstance(changed, ast.stmt)
            function.body[at] = changed
        flatten(function)

    def visit(self, node: ast.AST) -> ast.AST:
        plan = self.plan
        if node is plan.begin:
            whole = ast.Assign([ast.Name(plan.whole, ast.Store())], ast.List([], ast.Load()))
            return together(placed(whole, node), placed(self._since(ast.Constant(0)), node))
        if isinstance(node, ast.stmt) and node in plan.later:
            return self._restart(node)
        value = appended(node, plan.name) if isinstance(node, ast.Expr) else None
        if value is not None:
            return placed(self._append(self.visit(value)), node)
        if is_name(node, plan.name):
            return placed(self._read(), node)
        visited: ast.AST = super().visit(node)
        return visited

    def _since(self, value: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Name(self.plan.since, ast.Store())], value)

    def _append(self, value: ast.AST) -> ast.stmt:
        assert isinstance(value, ast.expr)
        value = ast.Tuple([ast.Name(self.plan.place, ast.Load()), value], ast.Load())
        function = ast.Attribute(ast.Name(self.plan.whole, ast.Load()), "append", ast.Load())
        return ast.Expr(ast.Call(function, [value], []))

    def _restart(self, node: ast.stmt) -> ast.AST:
        now: ast.expr = ast.Name(self.plan.place, ast.Load())
        if self.plan.later[node]:
            now = ast.BinOp(now, ast.Add(), ast.Constant(1))
        since = placed(self._since(now), node)
        first = _single(node.value) if isinstance(node, ast.Assign) else None
        return since if first is None else together(since, placed(self._append(self.visit(first)), node))

    def _read(self) -> ast.expr:
        """``[x for at, x in all if at >= start]``."""
        x, y = f"item of {self.plan.name}", f"place of item of {self.plan.name}"
        item = ast.Tuple([ast.Name(y, ast.Store()), ast.Name(x, ast.Store())], ast.Store())
        test = ast.Compare(ast.Name(y, ast.Load()), [ast.GtE()], [ast.Name(self.plan.since, ast.Load())])
        walk = ast.comprehension(item, ast.Name(self.plan.whole, ast.Load()), [test], False)
        return ast.ListComp(ast.Name(x, ast.Load()), [walk])
