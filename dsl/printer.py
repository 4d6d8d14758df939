"""Tree -> canonical text. Parsing the text gives an equal tree."""

from __future__ import annotations

import math
from collections.abc import Iterable

from attndsl.dsl import nodes as N

WIDTH = 110

# Binding strength, weakest first; a child weaker than its place asks for is put in parentheses.
_IF, _OTHERWISE, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _UNARY, _POWER, _POSTFIX, _ATOM = range(12)
_BINARY = {"+": _SUM, "-": _SUM, "*": _TERM, "/": _TERM, "//": _TERM, "%": _TERM, "**": _POWER}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_text(programs: N.Program | Iterable[N.Program]) -> str:
    """Canonical text of one program or of a library, comments included, with a final line end."""
    if isinstance(programs, N.Program):
        programs = [programs]
    return "\n".join(_program(program) for program in programs)


def quoted(text: str) -> str:
    """A text literal; control characters and lone surrogates are written as escapes."""
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif not char.isprintable() and ord(char) < 0x10000:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def number(value: float) -> str:
    """Shortest decimal that reads back to the same float; infinity is written 1e999."""
    if math.isnan(value):
        raise ValueError("nan has no literal")
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return repr(value).replace("e+", "e")


def expression(node: N.Expr) -> str:
    """Text of one expression."""
    return _expr(node)


def statement(item: N.Item) -> str:
    """Text of one statement, without its comments."""
    return _statement(item)


# ---------------------------------------------------------------- statements


def _program(program: N.Program) -> str:
    lines = [f"# {c}".rstrip() for c in program.comments]
    head = f"head {quoted(program.name)}"
    if program.direction == "causal":
        head += " causal"
    lines.append(_with_comment(head, program.trailing))
    for item in program.items:
        lines.extend(f"# {c}".rstrip() for c in item.comments)
        lines.append(_with_comment(_statement(item), item.trailing))
    lines.extend(f"# {c}".rstrip() for c in program.closing_comments)
    return "\n".join(lines) + "\n"


def _with_comment(text: str, comment: str) -> str:
    return f"{text}  # {comment}" if comment else text


def _statement(item: N.Item) -> str:
    match item:
        case N.Claim(text=text):
            return f"claim {quoted(text)}"
        case N.CheckedClaim():
            return _checked_claim(item)
        case N.Let(name=name, params=params, value=value):
            head = f"let {name}" + (f"({', '.join(params)})" if params else "")
            return _fold([f"{head} =", expression(value)])
        case N.Matrix(name=name):
            return f"matrix {name}"
        case N.Rule():
            return _rule(item)
        case N.Normalize(matrix=matrix, empty=empty):
            return "normalize rows" + _of(matrix) + (f" else {empty}" if empty else "")
        case N.Softmax(matrix=matrix, temperature=temperature):
            extra = f" temperature {expression(temperature)}" if temperature is not None else ""
            return "softmax rows" + _of(matrix) + extra
        case N.Mask(matrix=matrix):
            return "mask causal" + _of(matrix)
    raise TypeError(f"not a statement: {type(item).__name__}")


def _checked_claim(item: N.CheckedClaim) -> str:
    bound = number(item.bound)
    says = {
        "mass_at_least": f"mass at least {bound} on",
        "mass_at_most": f"mass at most {bound} on",
        "unchanged_by_changing": f"unchanged within {bound} by changing",
        "unchanged_by_renaming": f"unchanged within {bound} by renaming",
    }[item.kind]
    target, where = _target(item.target)
    when = f"when {expression(item.when)}" if item.when is not None else ""
    return _fold([part for part in (f"claim {says} {target}", where, when) if part])


def _target(target: N.At | N.Each) -> tuple[str, str]:
    """The keys, and the clause that narrows them ("" without one)."""
    if isinstance(target, N.At):
        return expression(target.position), ""
    where = target.binder.where
    narrowed = f"where {expression(where)}" if where is not None else ""
    return "each " + binder_text(target.binder, with_where=False), narrowed


def _of(matrix: str) -> str:
    return "" if matrix == "W" else f" of {matrix}"


def _rule(rule: N.Rule) -> str:
    value = expression(rule.value)
    target, condition = _target(rule.target)
    of = _of(rule.matrix).strip()
    first, last = {
        "set": (f"set {value} to {target}", ""),
        "add": (f"add {value} to {target}", ""),
        "share": (f"share {value} over {target}", f"by {expression(rule.weight)}" if rule.weight is not None else ""),
        "scale": (f"scale {target}", f"by {value}"),
        "raise": (f"raise {target}", f"to at least {value}"),
        "cap": (f"cap {target}", f"at {value}"),
    }[rule.action]
    when = f"when {expression(rule.when)}" if rule.when is not None else ""
    return _fold([part for part in (first, condition, of, last, when) if part])


def _fold(parts: list[str]) -> str:
    """One line when it fits, else each part on its own indented line."""
    line = " ".join(parts)
    if len(line) <= WIDTH or len(parts) == 1:
        return line
    return "\n    ".join(parts)


def binder_text(binder: N.Binder, with_where: bool = True) -> str:
    """Text of a variable and what it runs over."""
    text = binder.var
    if binder.domain is not None:
        text += " in " + _expr(binder.domain, _POSTFIX)
    if binder.lower is not None:
        text += (" after " if binder.lower_open else " from ") + _expr(binder.lower, _SUM)
    if binder.upper is not None:
        text += (" before " if binder.upper_open else " upto ") + _expr(binder.upper, _SUM)
    if with_where and binder.where is not None:
        text += " where " + expression(binder.where)
    return text


# ---------------------------------------------------------------- expressions


def _expr(node: N.Expr, at_least: int = _IF) -> str:
    text, strength = _render(node)
    return f"({text})" if strength < at_least else text


def _args(args: Iterable[N.Expr]) -> str:
    return ", ".join(_expr(arg) for arg in args)


def _render(node: N.Expr) -> tuple[str, int]:
    """Text and binding strength of a node."""
    match node:
        case N.Number(value=value):
            return (number(value), _ATOM) if math.copysign(1, value) > 0 else (f"-{number(-value)}", _UNARY)
        case N.Truth(value=truth):
            return ("true" if truth else "false"), _ATOM
        case N.Text(value=text):
            return quoted(text), _ATOM
        case N.SetOf(items=items):
            return "{" + _args(items) + "}", _ATOM
        case N.Var(name=name) | N.Name(name=name):
            return name, _ATOM
        case N.SelfPosition():
            return "self", _ATOM
        case N.FirstPosition():
            return "first", _ATOM
        case N.AllWords():
            return "words", _ATOM
        case N.RowStat(name=name):
            return f"row.{name}", _ATOM
        case N.Call(name=name, args=args) | N.Function(name=name, args=args):
            return f"{name}({_args(args)})", _ATOM
        case N.Host(name=name, args=args):
            return f"host({quoted(name)}, {_args(args)})", _ATOM
        case N.Cell(matrix=matrix, row=row, column=column):
            return f"{matrix}[{_expr(row)}, {_expr(column)}]", _ATOM
        case N.Aggregate():
            return _aggregate(node), _ATOM
    return _postfix_or_operator(node)


def _postfix_or_operator(node: N.Expr) -> tuple[str, int]:
    match node:
        case N.Feature(base=base, name=name):
            return f"{_expr(base, _POSTFIX)}.{name}", _POSTFIX
        case N.Method(base=base, name=name, args=args):
            return f"{_expr(base, _POSTFIX)}.{name}({_args(args)})", _POSTFIX
        case N.Index(base=base, index=index):
            return f"{_expr(base, _POSTFIX)}[{_expr(index)}]", _POSTFIX
        case N.Slice(base=base, start=start, stop=stop):
            low = _expr(start) if start is not None else ""
            high = _expr(stop) if stop is not None else ""
            return f"{_expr(base, _POSTFIX)}[{low}:{high}]", _POSTFIX
        case N.Negative(value=value):
            return f"-{_expr(value, _UNARY)}", _UNARY
        case N.Binary(op="**", left=left, right=right):
            return f"{_expr(left, _POSTFIX)} ** {_expr(right, _UNARY)}", _POWER
        case N.Binary(op=op, left=left, right=right):
            level = _BINARY[op]
            return f"{_expr(left, level)} {op} {_expr(right, level + 1)}", level
        case N.Compare(op=op, left=left, right=right):
            return f"{_expr(left, _SUM)} {op} {_expr(right, _SUM)}", _COMPARE
        case N.Member(item=item, collection=collection):
            return f"{_expr(item, _SUM)} in {_expr(collection, _SUM)}", _COMPARE
    return _logic(node)


def _logic(node: N.Expr) -> tuple[str, int]:
    match node:
        case N.IsNone(value=value):
            return f"{_expr(value, _SUM)} is none", _COMPARE
        case N.Not(value=N.IsNone(value=value)):
            return f"{_expr(value, _SUM)} is some", _COMPARE
        case N.Not(value=N.Member(item=item, collection=collection)):
            return f"{_expr(item, _SUM)} not in {_expr(collection, _SUM)}", _COMPARE
        case N.Not(value=value):
            return f"not {_expr(value, _NOT)}", _NOT
        case N.And(left=left, right=right):
            return f"{_expr(left, _AND)} and {_expr(right, _NOT)}", _AND
        case N.Or(left=left, right=right):
            return f"{_expr(left, _OR)} or {_expr(right, _AND)}", _OR
        case N.Otherwise(value=value, default=default):
            return f"{_expr(value, _OR)} otherwise {_expr(default, _OTHERWISE)}", _OTHERWISE
        case N.IfElse(condition=condition, then=then, otherwise=other):
            return f"if {_expr(condition)} then {_expr(then)} else {_expr(other)}", _IF
    raise TypeError(f"not an expression: {type(node).__name__}")


def _aggregate(node: N.Aggregate) -> str:
    binder = binder_text(node.binder)
    if node.kind in ("first", "last", "count", "any"):
        return f"{node.kind}({binder})"
    assert node.value is not None
    if node.kind == "nth":
        return f"nth({_expr(node.value)}, {binder})"
    return f"{node.kind}({_expr(node.value)} for {binder})"
