"""Calls: the file's own functions are inlined; built-ins, numpy functions and methods have their meaning here."""

from __future__ import annotations

import ast

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import builtins_, defaults, encoding, methods, numpy_, remembered, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, settle, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate, register
from attndsl.dsl.pyimport.lift.frames import Frame, Scope
from attndsl.dsl.pyimport.lift.iterators import is_iterator, is_read_once
from attndsl.dsl.pyimport.lift.machine import Machine, State
from attndsl.dsl.pyimport.lift.merge import merge_states
from attndsl.dsl.pyimport.lift.preparing import prepared
from attndsl.dsl.pyimport.lift.values import Closure, NoneValue, Opaque, Ref, Scalar, Seq, Unbound, Value, literal
from attndsl.dsl.pyimport.scopes import argument_names, bound_names

_MAX_DEPTH = 12


def _call(m: Machine, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Name) and not _defined(m, node.func.id):
        return builtins_.call(m, node.func.id, node)
    callee = evaluate(m, node.func)
    m.node = node
    return spread(m, lambda c: _apply(m, c, node), callee)


def _defined(m: Machine, name: str) -> bool:
    """The program or its file gives this name a meaning of its own."""
    known = m.lookup(name) is not None or any(name in given for given in (m.functions, m.constants, m.imports))
    return known or m.binds(name)


def _apply(m: Machine, callee: Value, node: ast.Call) -> Value:
    match callee:
        case Closure():
            return _inline(m, callee, node)
        case Opaque(name="function", data="spacy.load") if len(node.args) == 1 and not node.keywords:
            return Opaque("nlp")
        case Opaque(name="function", data=name):
            return numpy_.call(m, name, node)
        case Opaque(name="method", data=(base, name)):
            return methods.call(m, base, name, node)
        case Opaque(name="nlp"):
            return _parse(m, node)
        case Opaque(name="tokenizer"):
            return _encode(m, node)
    raise m.stop(f"a call of {ast.unparse(node.func)!r}", node, "E0305")


def _parse(m: Machine, node: ast.Call) -> Value:
    if len(node.args) == 1 and evaluate(m, node.args[0]) == Opaque("sentence"):
        return Opaque("doc")
    raise m.stop("something else than the sentence is parsed", node, "E0306")


def _encode(m: Machine, node: ast.Call) -> Value:
    """``tokenizer(sentence, return_tensors=...)``; of ``[sentence]``, a batch of one."""
    given = evaluate(m, node.args[0]) if len(node.args) == 1 else None
    batch = isinstance(given, Ref) and m.contents(given) == literal((Opaque("sentence"),))
    if not batch and given != Opaque("sentence"):
        raise m.stop("something else than the sentence is tokenized", node, "E0306")
    form = encoding.asked(m, node)
    return Opaque("encoding", (form, batch or form != encoding.LIST))


# ---------------------------------------------------------------- inlining


def applied(m: Machine, callee: Value, values: list[Value], node: ast.AST) -> Value:
    """The function's value for arguments that are known already."""
    names = [f"argument {k}" for k in range(len(values))]
    frame = m.state.frames[m.frames[-1].key]
    frame.update(zip(names, values, strict=True))
    arguments: list[ast.expr] = [ast.copy_location(ast.Name(name, ast.Load()), node) for name in names]
    called = ast.copy_location(ast.Call(ast.copy_location(ast.Name("", ast.Load()), node), arguments, []), node)
    try:
        if isinstance(callee, Opaque) and callee.name == "builtin":
            return builtins_.call(m, callee.data, called)
        return _apply(m, callee, called)
    finally:
        for name in names:
            m.state.frames[m.frames[-1].key].pop(name, None)


def _inline(m: Machine, callee: Closure, node: ast.Call) -> Value:
    function = callee.node
    if isinstance(function, ast.FunctionDef):
        if function.decorator_list and argument_names(function.args):
            raise m.stop("a function with a cache", node, "E0307")  # which fails for a list
        special = _known_helper(m, function, node)
        if special is not None:
            return special
        function = prepared(m, function)
        if any(f.function is function for f in m.frames):
            raise m.stop("a function that calls itself", node, "E0307")
    if len(m.frames) > _MAX_DEPTH:
        raise m.stop("functions that call each other too deeply", node, "E0307")
    bound = _bind(m, callee, node)
    plain = function if isinstance(function, ast.FunctionDef) else None
    if any(is_iterator(value) and not is_read_once(plain, name) for name, value in bound.items()):
        raise m.stop("an iterator that may be walked through more than once", node, "E0313")
    for value in bound.values():
        walks.check_safe(m, value)
    key = next(m.keys)
    around = m.seen_from(callee.frame) if callee.frame >= 0 else ()
    if around is None:
        raise m.stop("a function outlives the function or comprehension it was made in", node, "E0307")
    names = frozenset(bound) if plain is None else bound_names(plain)
    frame = Frame(key, (Scope(key, names), *around), plain)
    m.state.frames[key] = bound
    m.frames.append(frame)
    try:
        if isinstance(function, ast.Lambda):
            return evaluate(m, function.body)
        return remembered.body(m, function, frame, lambda: _body(m, function, frame))
    finally:
        m.frames.pop()
        m.state.frames.pop(key, None)
        m.node = node


def _body(m: Machine, function: ast.FunctionDef, frame: Frame) -> Value:
    from attndsl.dsl.pyimport.lift.statements import run

    entry = m.state.fork()
    flows, m.flows = m.flows, []
    try:
        alive = run(m, function.body)
    finally:
        m.flows = flows
    returns = list(frame.returns)
    if alive:
        returns.append((m.state, NoneValue()))
    assert returns, "control that does not reach the end has returned"
    return join_returns(m, entry, returns)


def join_returns(m: Machine, entry: State, returns: list[tuple[State, Value]]) -> Value:
    """One state and one value after the ways in which a function returned."""
    depth = len(entry.path)
    for state, value in returns:
        state.frames[m.frames[-1].key]["return"] = value
    branches = [(T.conj(s.path[depth:]), s) for s, _ in returns]
    m.state = merge_states(entry, branches)
    return m.state.frames[m.frames[-1].key]["return"]


def _bind(m: Machine, callee: Closure, node: ast.Call) -> dict[str, Value]:
    spec = callee.node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    if spec.vararg or spec.kwarg or any(isinstance(a, ast.Starred) for a in node.args):
        raise m.stop("a function with variable arguments", node, "E0307")
    bound: dict[str, Value] = {}
    if len(node.args) > len(names):
        raise m.stop("too many arguments", node, "E0307")
    for name, arg in zip(names, node.args, strict=False):
        bound[name] = evaluate(m, arg)
    named = [a.arg for a in (*spec.args, *spec.kwonlyargs)]
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg not in named:
            raise m.stop("an unknown keyword argument", node, "E0307")
        if keyword.arg in bound:
            raise m.stop("an argument is given twice", node, "E0307")
        bound[keyword.arg] = evaluate(m, keyword.value)
    defaults.complete(m, callee, bound)
    if set(bound) != {*names, *(a.arg for a in spec.kwonlyargs)}:
        raise m.stop("an argument is missing", node, "E0307")
    return bound


# ---------------------------------------------------------------- helpers known by their text


def _known_helper(m: Machine, function: ast.FunctionDef, node: ast.Call) -> Value | None:
    if not node.args and not node.keywords and _is_pipeline_getter(function):
        return Opaque("nlp")
    if m.functions.get(function.name) is function and function.name in m.aligners:
        from attndsl.dsl.pyimport.lift.alignment import aligned

        return aligned(m, m.aligners[function.name], node)
    return None


def _is_pipeline_getter(function: ast.FunctionDef) -> bool:
    """``global nlp; if nlp is None: nlp = spacy.load("..."); return nlp``, and nothing else."""
    match [s for s in function.body if not _does_nothing(s)]:
        case [ast.Global(names=[name]), ast.If(test=test, body=body, orelse=[]), ast.Return(value=ast.Name(id=given))]:
            loads = [_loaded_into(s) for s in body if not isinstance(s, ast.Import)]
            return ast.unparse(test) in (f"{name} is None", f"not {name}") and [given, *loads] == [name, name]
    return False


def _does_nothing(s: ast.stmt) -> bool:
    """An import, or a text that stands by itself."""
    return isinstance(s, ast.Import) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))


def _loaded_into(s: ast.stmt) -> str | None:
    """The name x of ``x = spacy.load("...")``."""
    match s:
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="spacy"), attr="load"), args=[ast.Constant()], keywords=[]
            ),
        ):
            return name
    return None


def _lambda(m: Machine, node: ast.Lambda) -> Value:
    frame = m.frames[-1]
    scope = _outlasting(frame, node)
    if frame.of_file and scope.key == frame.key:
        return Closure(node, defaults=defaults.shared(m, node))
    return Closure(node, scope.key, defaults.values(m, node))


def _outlasting(frame: Frame, node: ast.Lambda) -> Scope:
    """The innermost scope of which the lambda reads a name: of a comprehension, or else that of the function."""
    read = {x.id for x in pytree.walk(node.body) if isinstance(x, ast.Name)}.difference(argument_names(node.args))
    return next(s for s in frame.chain if s.key == frame.key or not read.isdisjoint(s.names))


register(ast.Call, _call)
register(ast.Lambda, _lambda)
__all__ = ["Scalar", "Seq", "Unbound", "sequence", "settle", "spread"]
