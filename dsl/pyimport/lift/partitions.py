"""While loops that go from block to block, put as for loops over the places where a block begins.

``while i < n: j = i + 1; while j < n and P(j): j += 1; ...; i = j`` runs its body once for each block of the text. A
block begins at the first place and wherever P fails; where it ends at a place that P fails at (``i = j + 1``), the next
one begins behind that. Where P(j) says that something is equal at j and at i, it is the same to ask the place before.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift.uses import placed

_TEXT_METHODS = frozenset((
    "startswith", "endswith", "isalpha", "isdigit", "isalnum", "isupper", "islower", "isspace", "istitle", "lower",
    "upper", "strip", "lstrip", "rstrip", "replace",
))  # fmt: skip
_READERS = frozenset((
    "range", "len", "enumerate", "min", "max", "sum", "abs", "zip", "sorted", "list", "set", "tuple", "float", "int",
    "str", "any", "all", "reversed", "round", "bool",
))  # fmt: skip
_NEW = frozenset(("zeros", "ones", "full", "eye", "array", "zeros_like", "ones_like", "arange"))


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such loops put so; itself when it has none."""
    nodes = pytree.walk(function)
    if not any(isinstance(x, ast.While) for x in nodes) or any(isinstance(x, ast.Try) for x in nodes):
        return function
    made: dict[int, ast.For] = {}
    for x in nodes:
        blocks = (getattr(x, "body", None), getattr(x, "orelse", None))
        for block in (b for b in blocks if isinstance(b, list)):
            for at, s in enumerate(block):
                found = _walk(function, block[:at], s) if isinstance(s, ast.While) else None
                if found is not None:
                    made[id(s)] = found
    if not made:
        return function
    changed: ast.FunctionDef = _Put(made).visit(function)
    return ast.fix_missing_locations(changed)


class _Put(ast.NodeTransformer):
    def __init__(self, made: dict[int, ast.For]) -> None:
        self.made = made

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if id(node) in self.made:
            return self.made[id(node)]
        own = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(own, name, [self.visit(x) if isinstance(x, ast.AST) else x for x in value])
            elif isinstance(value, ast.AST):
                setattr(own, name, self.visit(value))
        return own


@frozen
class _Blocks:
    """``i`` goes through the blocks, ``j`` looks for the end of one. ``asked``: what holds inside of one, at ``j``."""

    i: str
    j: str
    bound: ast.expr
    asked: ast.expr
    behind: bool  # the place that ends a block belongs to it
    runs: bool  # what lies between blocks belongs to none
    body: list[ast.stmt]


def _walk(function: ast.FunctionDef, before: list[ast.stmt], loop: ast.While) -> ast.For | None:
    found = _blocks(loop)
    if found is None or loop.orelse:
        return None
    first = _first(before, found.i)
    if first is None or not _is_still(found, function) or _is_read_outside(function, loop, {found.i, found.j}):
        return None
    place = ast.Name(found.i, ast.Load())
    begins: ast.expr = ast.Compare(place, [ast.Eq()], [first])
    if found.behind:
        ended = _at(found.asked, found.j, ast.BinOp(place, ast.Sub(), ast.Constant(1)))
    else:
        ended = _asked_at(found, place)
    if found.runs:
        here = _at(found.asked, found.j, place)
        last = _at(found.asked, found.j, ast.BinOp(place, ast.Sub(), ast.Constant(1)))
        begins = ast.BoolOp(ast.And(), [here, ast.BoolOp(ast.Or(), [begins, ast.UnaryOp(ast.Not(), last)])])
    else:
        begins = ast.BoolOp(ast.Or(), [begins, ast.UnaryOp(ast.Not(), ended)])
    places = ast.Call(ast.Name("range", ast.Load()), [first, found.bound], [])
    walked = ast.For(ast.Name(found.i, ast.Store()), places, [ast.If(begins, found.body, [])], [])
    return placed(walked, loop)


def _blocks(loop: ast.While) -> _Blocks | None:
    i, bound = _below(loop.test) or (None, None)
    if i is None or bound is None:
        return None
    body, skipped = _entered(loop.body, i)
    match body:
        case [
            ast.Assign(targets=[ast.Name(id=j)], value=start),
            ast.While(test=ast.BoolOp(op=ast.And(), values=[limit, *rest]), body=[step], orelse=[]) as search,
            *_,
            ast.Assign(targets=[ast.Name(id=last)], value=after),
        ] if last == i and j != i and _counted(step) == j:
            pass
        case _:
            return None
    asked = rest[0] if len(rest) == 1 else ast.copy_location(ast.BoolOp(ast.And(), rest), search)
    ahead = _ahead(start, i)
    behind = _ahead(after, j) == 1
    if ahead not in (0, 1) or _ahead(after, j) not in (0, 1):
        return None
    inner = _below(limit)
    if inner is None or inner[0] != j:
        return None
    nearer = isinstance(inner[1], ast.BinOp) and _same(
        inner[1], ast.BinOp(bound, ast.Sub(), ast.Constant(1))
    )  # the last place is in the last block, whatever it is
    if not _same(inner[1], bound) and not (nearer and behind):
        return None
    names = {x.id for x in pytree.walk(asked) if isinstance(x, ast.Name)}
    if i in names and (behind or skipped is not None or not _is_equality(asked, i, j)):
        return None
    if skipped is not None:
        if behind or not _same(skipped, _at(asked, j, ast.Name(i, ast.Load()))):
            return None
    elif ahead == behind:  # a block might have no place, or it is not asked at all of its first one
        return None
    return _Blocks(i, j, bound, asked, behind, skipped is not None, body[:-1])


def _entered(body: list[ast.stmt], i: str) -> tuple[list[ast.stmt], ast.expr | None]:
    """The statements of a block; what has to hold where one begins, if other places are passed by."""
    match body:
        case [ast.If(test=test, body=then, orelse=[other])] if _counted(other) == i:
            return then, test
        case [ast.If(test=test, body=[step, ast.Continue()], orelse=[]), *rest] if _counted(step) == i:
            return rest, _denied(test)
    return body, None


_OPPOSITES: dict[type, type[ast.cmpop]] = {
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


def _denied(test: ast.expr) -> ast.expr:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPPOSITES:
            return ast.copy_location(ast.Compare(left, [_OPPOSITES[type(op)]()], [right]), test)
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _below(test: ast.expr) -> tuple[str, ast.expr] | None:
    """The name and the bound of ``i < n``."""
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Lt()], comparators=[bound]):
            return name, bound
    return None


def _counted(s: ast.stmt) -> str | None:
    match s:
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=ast.Constant(value=step)):
            return name if type(step) is int and step == 1 else None
    return None


def _ahead(x: ast.expr, name: str) -> int | None:
    """0 of the name, 1 of the name plus 1."""
    match x:
        case ast.Name(id=found) if found == name:
            return 0
        case ast.BinOp(left=ast.Name(id=found), op=ast.Add(), right=ast.Constant(value=step)) if found == name:
            return 1 if type(step) is int and step == 1 else None
    return None


def _is_equality(asked: ast.expr, i: str, j: str) -> bool:
    """``e(j) == e(i)``."""
    match asked:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            swapped = ast.Name(i, ast.Load())
            names = [{x.id for x in pytree.walk(side) if isinstance(x, ast.Name)} for side in (left, right)]
            if i in names[0]:
                left, right, names = right, left, names[::-1]
            return i not in names[0] and j not in names[1] and _same(_at(left, j, swapped), right)
    return False


def _asked_at(found: _Blocks, place: ast.expr) -> ast.expr:
    """Whether a place belongs to the block before it."""
    before = ast.BinOp(place, ast.Sub(), ast.Constant(1))
    return _at(_at(found.asked, found.i, before), found.j, place)


def _at(x: ast.expr, name: str, place: ast.expr) -> ast.expr:
    """The expression, of another place than the one of that name."""

    class Replaced(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.copy_location(copy.deepcopy(place), node) if node.id == name else node

    return placed(Replaced().visit(copy.deepcopy(x)), x)  # type: ignore[no-any-return]


def _same(a: ast.expr, b: ast.expr) -> bool:
    return ast.dump(a) == ast.dump(b)


def _first(before: list[ast.stmt], i: str) -> ast.expr | None:
    """The number that the statements before the loop give the name."""
    for s in reversed(before):
        match s:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=first) as value) if name == i:
                return value if type(first) is int else None
        if any(isinstance(x, ast.Name) and x.id == i and not isinstance(x.ctx, ast.Load) for x in pytree.walk(s)):
            return None
    return None


def _is_still(found: _Blocks, function: ast.FunctionDef) -> bool:
    """No iteration changes what is asked, or leaves the loop; asking does nothing else."""
    names = {x.id for x in pytree.walk(found.asked, found.bound) if isinstance(x, ast.Name)}
    if not all(_is_plain(x) for x in pytree.walk(found.asked)) or not _is_length(found.bound):
        return False
    nodes = pytree.walk(*found.body[2:])
    if _leaves(found.body[2:]) or not all(_is_known(x) for x in nodes):
        return False
    stored = {x.id for x in nodes if isinstance(x, ast.Name) and not isinstance(x.ctx, ast.Load)}
    changed = {name for x in nodes if (name := _changed(x)) is not None}
    if (stored | changed) & (names | {found.i, found.j}):
        return False
    values = _values(function)
    if not all(values.get(name) and all(_is_new(v) for v in values[name]) for name in changed):
        return False
    given = [v for name in names for v in values.get(name, ()) if v is not None]
    return not any(isinstance(x, ast.Name) and x.id in changed for x in pytree.walk(*given))


def _is_known(x: ast.AST) -> bool:
    """Statements and calls of which it is known what they may change: what ``_changed`` says, and nothing else."""
    if isinstance(x, ast.FunctionDef | ast.Lambda | ast.Return | ast.NamedExpr | ast.Delete | ast.With | ast.Global):
        return False
    if isinstance(x, ast.Subscript | ast.Attribute) and not isinstance(x.ctx, ast.Load):
        return isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name)
    if not isinstance(x, ast.Call):
        return True
    if any(k.arg in (None, "out") for k in x.keywords):
        return False
    match x.func:
        case ast.Name(id=name):
            return name in _READERS
        case ast.Attribute(value=ast.Name(id="np" | "math"), attr=attr):
            return attr in _NEW or attr in ("exp", "sqrt", "log", "abs")
        case ast.Attribute(value=ast.Name()):
            return True
        case ast.Attribute(attr=attr):
            return attr in _TEXT_METHODS
    return False


def _changed(x: ast.AST) -> str | None:
    """The name of a list, dict or array that the node may change in place."""
    match x:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()) | ast.AugAssign(target=ast.Name(id=name)):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)):
            return None if name in ("np", "math") or attr in _TEXT_METHODS else name
    return None


def _values(function: ast.FunctionDef) -> dict[str, list[ast.expr | None]]:
    """What the statements give each name; None for what is no value of its own, as the elements of a loop."""
    found: dict[str, list[ast.expr | None]] = {}
    given: set[int] = set()
    for x in pytree.walk(function):
        targets = x.targets if isinstance(x, ast.Assign) else [x.target] if isinstance(x, ast.AnnAssign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(x.value)  # type: ignore[attr-defined]
                given.add(id(target))
        if isinstance(x, ast.AugAssign):
            given.add(id(x.target))
    for x in pytree.walk(function):
        if isinstance(x, ast.Name) and not isinstance(x.ctx, ast.Load) and id(x) not in given:
            found.setdefault(x.id, []).append(None)
        elif isinstance(x, ast.arg):
            found.setdefault(x.arg, []).append(None)
    return found


def _is_new(value: ast.expr | None) -> bool:
    """The value has no other name: a number, or a list or array that is made there."""
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in ("list", "dict", "set", "sorted", "defaultdict", "Counter", "float", "int", "len")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=attr)):
            return attr in _NEW
    return isinstance(
        value, ast.Constant | ast.List | ast.Dict | ast.Set | ast.ListComp | ast.SetComp | ast.DictComp | ast.BinOp
    )


def _is_plain(x: ast.AST) -> bool:
    """Comparisons of what stands at places, and questions to texts: no call that might change something."""
    if isinstance(x, ast.Call):
        if isinstance(x.func, ast.Name):
            return x.func.id == "len"
        return isinstance(x.func, ast.Attribute) and x.func.attr in _TEXT_METHODS
    return isinstance(
        x, ast.Name | ast.Constant | ast.Subscript | ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Attribute
        | ast.List | ast.Tuple | ast.Set | ast.BinOp,
    )  # fmt: skip


def _is_length(bound: ast.expr) -> bool:
    match bound:
        case ast.Name() | ast.Call(func=ast.Name(id="len"), args=[ast.Name()], keywords=[]):
            return True
    return False


def _leaves(body: list[ast.stmt]) -> bool:
    stack: list[ast.AST] = list(body)
    while stack:
        at = stack.pop()
        if isinstance(at, ast.Break | ast.Continue):
            return True
        if not isinstance(at, ast.For | ast.While):
            stack.extend(pytree.children(at))
    return False


def _is_read_outside(function: ast.FunctionDef, loop: ast.While, names: set[str]) -> bool:
    """A place outside the loop reads one of the names, other than inside a for loop that sets it anew."""
    stack: list[tuple[ast.AST, set[str]]] = [(function, names)]
    while stack:
        at, wanted = stack.pop()
        if at is loop:
            continue
        if isinstance(at, ast.Name) and at.id in wanted and isinstance(at.ctx, ast.Load):
            return True
        inner = wanted
        if isinstance(at, ast.For) and not any(x is loop for x in pytree.walk(at)):
            inner = wanted - {x.id for x in pytree.walk(at.target) if isinstance(x, ast.Name)}
            stack += [(at.iter, wanted), *((s, wanted) for s in at.orelse), *((s, inner) for s in at.body)]
            continue
        if isinstance(at, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            first, *rest = at.generators
            inner = wanted - {x.id for g in at.generators for x in pytree.walk(g.target) if isinstance(x, ast.Name)}
            elements = [at.key, at.value] if isinstance(at, ast.DictComp) else [at.elt]
            stack += [(first.iter, wanted), *((x, inner) for x in (*elements, *first.ifs, *rest))]
            continue
        if isinstance(at, ast.FunctionDef | ast.Lambda):
            inner = wanted - {a.arg for a in (*at.args.posonlyargs, *at.args.args, *at.args.kwonlyargs)}
        stack += [(x, inner) for x in pytree.children(at)]
    return False
