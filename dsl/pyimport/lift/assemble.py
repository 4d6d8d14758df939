"""Rules in terms -> a ``Program``: definitions first, then the rules in the order of the source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from attndsl.dsl import nodes as D
from attndsl.dsl.failures import NEVER
from attndsl.dsl.pyimport.lift import nans, near, reorder, schedule, wholes
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Draft, Q, draft
from attndsl.dsl.pyimport.lift.machine import Event, Machine, NotLiftable
from attndsl.dsl.pyimport.lift.naming import definitions
from attndsl.dsl.pyimport.lift.polish import depends_on_weights, polished
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.to_nodes import WORD, Names, Writer, conjunction

ERRORS = "Error", "Error2"
"""The definitions that a rule adds where Python raises: one for the checks of a loop, one for those of the next one."""


@dataclass(slots=True)
class Result:
    """What the program returns: the matrix, and single cells that replace it when the text has one token."""

    matrix: str | None
    single: Term | None = None


def program(m: Machine, name: str, claims: tuple[str, ...], result: Result) -> D.Program:
    """The finished tree. Raises NotLiftable where iterations depend on each other."""
    result.single = near.settle(m, result.single)
    nans.check(m)
    wholes.check(m)
    for at in _fused(m.events):
        m.events[at].op = "nothing"
    reorder.check(m)
    copies = schedule.snapshots(m)
    drafts: list[tuple[int, Draft]] = []
    for at, event in enumerate(m.events):
        if event.op == "nothing":
            continue
        if event.op in ("normalize", "mask"):
            drafts.append((at, Draft(event.op, event.matrix, T.ZERO, None, _conditions(m, event), span=event.span)))
            continue
        found = draft(m, event)
        if found is not None:
            drafts.append((at, found))
    if result.single is not None:
        drafts = _without_single(drafts)
    drafts = _checks_together(polished(drafts, result.matrix))
    names = _matrix_names(drafts, result, copies)
    names.lets = definitions(m.hints, [d for _, d in drafts], names)
    return _tree(name, claims, names, drafts, copies, result)


def _checks_together(drafts: list[tuple[int, Draft]]) -> list[tuple[int, Draft]]:
    """The checks of one loop over the queries in a row: they are one statement, which fails at the first query."""
    out: list[tuple[int, Draft]] = []
    for at, d in drafts:
        place = next((i for i in range(len(out), 0, -1) if d.loop is not None and out[i - 1][1].loop is d.loop), None)
        if place is None or depends_on_weights(d):
            out.append((at, d))
        else:
            out.insert(place, (out[place - 1][0], d))
    return out


def _conditions(m: Machine, event: Event) -> list[Term]:
    """What must hold for a step on the whole matrix, beyond what the program fails without."""
    free = {T.compare(">=", T.N, T.ONE), *m.required}
    free |= {p for c in m.required if c.op == "and" for p in c.args}
    return [c for c in event.path if c not in free]


def _fused(events: list[Event]) -> list[int]:
    """Neighbours that set the same cell in exclusive branches inside a loop over something else become one event.

    Returns which events are left out; the other one of each pair is changed in place.
    """
    dropped: list[int] = []
    last: int | None = None
    for at, e in enumerate(events):
        if last is not None and _fuse(events[last], e):
            dropped.append(at)
            continue
        last = at
    return dropped


def _fuse(a: Event, b: Event) -> bool:
    if not (a.op == b.op == "set" and a.matrix == b.matrix and a.row is b.row and a.column is b.column):
        return False
    if [x.binder for x in a.loops] != [x.binder for x in b.loops]:
        return False
    if all(x.binder.var.data in a.row.free | a.column.free for x in a.loops):
        return False
    if any(r.data[0] == a.matrix for r in schedule.reads_in((a.value, b.value, *a.path, *b.path))):
        return False
    common = [c for c in a.path if c in b.path]
    first, second = [c for c in a.path if c not in common], [c for c in b.path if c not in common]
    if not first or T.conj([*first, *second]) is not T.FALSE:
        return False
    a.value = T.ite(T.conj(first), a.value, b.value)
    a.path = (*common, T.disj((T.conj(first), T.conj(second))))
    return True


def _without_single(drafts: list[tuple[int, Draft]]) -> list[tuple[int, Draft]]:
    """With one token the last rule sets the only cell, so that the others need not exclude that case."""
    alone = {T.compare("!=", T.N, T.ONE), T.not_(T.compare("<=", T.N, T.ONE)), T.compare(">", T.N, T.ONE)}
    risky = any(d.op == "fail" or _may_fail(t) for _, d in drafts for t in (d.value, *d.when, *d.where))
    risky = risky or any(_reads_beyond(d, alone) for _, d in drafts)
    for _, d in drafts:
        if not risky or d.op in ("normalize", "mask"):
            d.when = [c for c in d.when if c not in alone]
    return drafts


def _may_fail(t: Term) -> bool:
    return not t.total or bool(t.marks & T.MAY_FAIL)


def _reads_beyond(d: Draft, alone: set[Term]) -> bool:
    """With one token the rule would set a cell to what it reads at a place that is not there."""
    one = {T.N: T.ONE, Q: T.ZERO, KEY: T.ZERO}
    if any(T.subst(c, one) is T.FALSE for c in (*d.when, *d.where) if c not in alone):
        return False
    places = (a for x in T.walk(T.subst(d.value, one)) if x.op in ("feature", "read", "stat") for a in x.args)
    return any(T.is_const(a) and a is not T.ZERO for a in places)


def _matrix_names(drafts: list[tuple[int, Draft]], result: Result, copies: dict[tuple[str, int], str]) -> Names:
    names = Names()
    used = dict.fromkeys(d.matrix for _, d in drafts if d.op != "fail")
    used.update(dict.fromkeys(key[0] for key in copies))
    for _, d in drafts:
        for r in schedule.reads_in(
            (d.value, *d.when, *d.where, *(x for x in (d.low, d.high, d.target) if x is not None))
        ):
            used.setdefault(r.data[0])
    for matrix in used:
        names.matrices[matrix] = "W" if matrix == result.matrix else _free_name(matrix, names)
    names.copies = dict(copies)
    return names


def _free_name(name: str, names: Names) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "", name) or "Row"
    if not name[0].isalpha():
        name = "Row" + name
    name = name[0].upper() + name[1:]
    taken = {"W", *names.matrices.values()}
    out, number = name, 1
    while out in taken:
        number += 1
        out = f"{name}{number}"
    return out


# ---------------------------------------------------------------- the tree


def _tree(
    name: str,
    claims: tuple[str, ...],
    names: Names,
    drafts: list[tuple[int, Draft]],
    copies: dict[tuple[str, int], str],
    result: Result,
) -> D.Program:
    writer = Writer(names)
    rules: list[D.Item] = []
    pending = sorted(copies.items(), key=lambda item: item[0][1])
    before: Draft | None = None
    error = 0
    for at, d in drafts:
        if d.op == "fail" and before is not None and before.op == "fail" and before.loop is not d.loop:
            error = 1 - error  # the checks of another loop are another statement
        before = d
        while pending and pending[0][0][1] <= at:
            (matrix, _), copy = pending.pop(0)
            rules.append(_copy(names.matrices[matrix], copy))
        rule = _item(d, writer, names, ERRORS[error])
        if not _said(rule, d, rules):
            rules.append(rule)
    if result.single is not None:
        value = writer.weight(result.single, {})
        when = D.Compare("==", D.Var("n"), D.Number(1))
        rules.append(D.Rule("set", value, D.At(D.FirstPosition()), "W", when))
    used = dict.fromkeys(x.name for r in rules for x in D.walk(r) if isinstance(x, D.Name | D.Call))
    lets = [*_lets(writer, names, used), *_error(rules)]
    matrices = [D.Matrix(v) for v in dict.fromkeys([*names.matrices.values(), *copies.values()]) if v != "W"]
    items: list[D.Item] = [*(D.Claim(c) for c in claims), *lets, *matrices, *rules]
    return D.Program(name, "bidirectional", tuple(items))


def _copy(matrix: str, copy: str) -> D.Rule:
    cell = D.Cell(matrix, D.Var("q"), D.Var("k"))
    return D.Rule("set", cell, D.Each(D.Binder("k")), copy)


def _item(d: Draft, writer: Writer, names: Names, error: str) -> D.Item:
    matrix = names.matrices.get(d.matrix, "W")
    if d.op == "normalize":
        _always(d)
        return D.Normalize(matrix, "nothing", span=d.span)
    if d.op == "mask" and not d.when:
        return D.Mask(matrix, span=d.span)
    when_env, env = {"q": "q"}, {"q": "q", "k": "k"}
    when = conjunction([writer.expr(c, when_env) for c in d.when]) if d.when else None
    if d.op == "fail":
        return D.Rule("add", D.Name(error, span=d.span), D.At(D.FirstPosition()), "W", when, span=d.span)
    if d.op == "mask":
        later = D.Each(D.Binder("k", None, D.Var("q"), True))
        return D.Rule("set", D.Number(0), later, matrix, when, span=d.span)
    value = writer.weight(d.value, env if d.target is None else when_env)
    if d.target is not None:
        place: D.Expr = writer.expr(d.target, when_env)
        if d.target is Q:
            place = D.SelfPosition()
        elif d.target is T.ZERO:
            place = D.FirstPosition()
        return D.Rule(d.op, value, D.At(place), matrix, when, span=d.span)
    lower, lower_open, upper, upper_open = writer.bounds(d.low, d.high, when_env)
    where = conjunction([writer.expr(c, env) for c in d.where]) if d.where else None
    binder = D.Binder("k", None, lower, lower_open, upper, upper_open, where)
    return D.Rule(d.op, value, D.Each(binder), matrix, when, span=d.span)


def _error(rules: list[D.Item]) -> list[D.Let]:
    """``let Error``, where a rule adds it: no value at all, so that adding it is an error, as it is in Python."""
    used = {r.value.name for r in rules if isinstance(r, D.Rule) and isinstance(r.value, D.Name)}
    return [D.Let(name, (), NEVER) for name in ERRORS if name in used]


def _always(d: Draft) -> None:
    if d.when:
        found = NotLiftable("the matrix is normalized or masked under a condition", None, "E0321")
        found.span = d.span
        raise found


def _lets(writer: Writer, names: Names, used: Iterable[str]) -> list[D.Let]:
    """The definitions that something calls, in the order of their first use, each after those it calls itself."""
    made: dict[str, D.Let] = {}
    for t, name in names.lets.items():
        params: tuple[str, ...] = ()
        env: dict[str, str] = {}
        if t.free:
            letter = "w" if WORD.data in t.free else "t"
            params, env = (letter,), {next(iter(t.free)): letter}
        made[name] = D.Let(name, params, writer.expr(t, env, inside=t))
    out: dict[str, D.Let] = {}

    def visit(name: str) -> None:
        if name in out or name not in made:
            return
        for x in D.walk(made[name].value):
            if isinstance(x, D.Name | D.Call):
                visit(x.name)
        out[name] = made[name]

    for name in used:
        visit(name)
    return list(out.values())


def _said(rule: D.Item, d: Draft, rules: list[D.Item]) -> bool:
    """The rule before is the same one, and once is as good: it reads no weights, which it would have changed."""
    return d.op in ("set", "raise", "cap") and rules[-1:] == [rule] and not depends_on_weights(d)


__all__ = ["KEY", "Result", "program"]
