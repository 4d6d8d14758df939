"""Tests on a token's raw string that no entry of a tokenizer's vocabulary passes: rules that can never fire.

Programs are written with one tokenizer in mind, or with plain text in mind, and see the raw pieces of another:
``k.raw == "\\n"`` is never true where the line end is the piece ``Ċ``. A test that reads nothing but one token's raw
string is asked of the whole vocabulary; the nearest piece that was meant is proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS, NUMBER_FUNCTIONS, TEXT_FUNCTIONS, character, piece
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import Diagnostic, diagnostic
from attndsl.dsl.printer import expression, quoted
from attndsl.dsl.types import BOOL
from attndsl.runtime.nearest_entry import nearest_entry
from attndsl.runtime.vocabulary import VocabularyView, never_true, vocabulary

SHOWN_MEMBERS = 6
_values_of: WeakKeyDictionary[VocabularyView, dict[str, frozenset[Any]]] = WeakKeyDictionary()
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def dead_predicates(typed: TypedProgram, tokenizer: Any, model: str) -> list[Diagnostic]:
    """Warnings about a checked program's tests on ``.raw``, in the order of the program.

    W0201: a test that no token passes (or, for ``!=``, that every token passes). W0202: members of a set that equal no
    token. ``model`` is the name that messages show. Raises DiagnosticError E0640 for a tokenizer that is none.
    """
    vocabulary(tokenizer)
    found: list[Diagnostic] = []
    for node in _tests(typed.program):
        warning = _Test(node, typed, tokenizer, model).warning()
        if warning is not None and warning not in found:
            found.append(warning)
    return found


def _tests(node: N.Node) -> Iterator[N.Expr]:
    """Conditions that are not made of smaller ones, in the order of the text."""
    if isinstance(node, N.Compare | N.Member) or (isinstance(node, N.Method) and METHODS[node.name].kind is BOOL):
        yield node
    for child in N.children(node):
        yield from _tests(child)


class _Unsupported(Exception):
    """The expression reads something other than one token's raw string."""


class _Test:
    """One test; ``value`` is its meaning on one vocabulary string, as ``dsl/evaluator.py`` has it."""

    def __init__(self, node: N.Expr, typed: TypedProgram, tokenizer: Any, model: str) -> None:
        self.node = node
        self.lets: Mapping[str, N.Let] = typed.lets
        self.source = typed.program.source
        self.tokenizer = tokenizer
        self.model = model

    def warning(self) -> Diagnostic | None:
        node = self.node
        try:
            if len({_base_text(n) for n in N.walk(node) if _is_raw(n)}) != 1:
                return None
            self.value(node, "")  # whether it is of the kind that can be answered at all
            if isinstance(node, N.Member):
                return self._member(node)
            always = isinstance(node, N.Compare) and node.op == "!="
            asked = N.Compare("==", node.left, node.right) if isinstance(node, N.Compare) and always else node
            if not self._never(asked):
                return None
        except (_Unsupported, TypeError, ArithmeticError):
            return None
        what = "every token" if always else "no token"
        return self._report("W0201", f"{what} of {self.model} satisfies {expression(node)}", self._proposal(asked))

    def _member(self, node: N.Member) -> Diagnostic | None:
        members = self.value(node.collection, "") if not _reads_raw(node.collection) else None
        if not isinstance(members, frozenset):
            if not self._never(node):
                return None
            return self._report("W0201", f"no token of {self.model} satisfies {expression(node)}", self._proposal(node))
        possible = self._values(node.item)
        dead = [member for member in self._in_order(node.collection) if member not in possible]
        if not dead:
            return None
        if len(dead) == len(members):
            return self._report("W0201", f"no token of {self.model} satisfies {expression(node)}", self._pieces(dead))
        shown = ", ".join(_shown(m) for m in dead[:SHOWN_MEMBERS]) + (", ..." if len(dead) > SHOWN_MEMBERS else "")
        headline = f"no token of {self.model} makes {expression(node.item)} equal {shown}"
        return self._report("W0202", headline, self._pieces(dead))

    def _in_order(self, collection: N.Expr) -> list[Any]:
        while isinstance(collection, N.Name):
            collection = self.lets[collection.name].value
        items = collection.items if isinstance(collection, N.SetOf) else ()
        return list(dict.fromkeys(self.value(item, "") for item in items))

    def _never(self, node: N.Expr) -> bool:
        if isinstance(node, N.Compare) and node.op == "==" and not _reads_raw(node.right):
            return self.value(node.right, "") not in self._values(node.left)
        return never_true(self.tokenizer, lambda raw: bool(self.value(node, raw)), key=("dead", self._key(node)))

    def _values(self, node: N.Expr) -> frozenset[Any]:
        """All values of an expression over the vocabulary: many tests of many programs ask for the same."""
        view = vocabulary(self.tokenizer)
        kept = _values_of.setdefault(view, {})
        key = self._key(node)
        if key not in kept:
            kept[key] = frozenset(self.value(node, raw) for raw in view.raw if raw is not None)
        return kept[key]

    def _key(self, node: N.Expr) -> str:
        """The expression with the definitions it uses."""
        names = sorted({n.name for n in N.walk(node) if isinstance(n, N.Name)})
        return "; ".join([expression(node), *(f"{name} = {self._key(self.lets[name].value)}" for name in names)])

    # ------------------------------------------------------------ what was meant

    def _proposal(self, node: N.Expr) -> str | None:
        return self._pieces([n.value for n in N.walk(node) if isinstance(n, N.Text)])

    def _pieces(self, literals: list[Any]) -> str | None:
        """The pieces that stand for the literals, for the help text."""
        meant = []
        for literal in literals[:SHOWN_MEMBERS]:
            entry = nearest_entry(self.tokenizer, literal) if isinstance(literal, str) and literal else None
            if entry is not None and entry != literal:
                meant.append(f"{quoted(literal)} is the piece {quoted(entry)}")
        if meant:
            return f"in {self.model}, " + ", ".join(meant) + "; .raw is the piece, .text the text it stands for"
        return "test .text instead: .raw is the piece of the vocabulary, with the tokenizer's own marks"

    def _report(self, code: str, headline: str, help: str | None) -> Diagnostic:
        return diagnostic(code, headline, source=self.source, span=self.node.span, help=help)

    # ------------------------------------------------------------ meaning on one string

    def value(self, node: N.Expr, raw: str) -> Any:
        """The value of an expression where the one token it reads has the vocabulary string ``raw``."""
        match node:
            case N.Feature() if _is_raw(node):
                return raw
            case N.Text(value=value) | N.Number(value=value) | N.Truth(value=value):
                return value
            case N.SetOf(items=items):
                return frozenset(self.value(item, raw) for item in items)
            case N.Name(name=name) if not self.lets[name].params:
                return self.value(self.lets[name].value, raw)
            case N.Method(base=base, name=name, args=args):
                text = self.value(base, raw)
                return None if text is None else METHODS[name].apply(text, *(self.value(a, raw) for a in args))
            case N.Index(base=base, index=index):
                return _unless_none(character, self.value(base, raw), self.value(index, raw))
            case N.Slice(base=base, start=start, stop=stop):
                text = self.value(base, raw)
                low = 0 if start is None else self.value(start, raw)
                high = float("inf") if stop is None else self.value(stop, raw)
                return _unless_none(piece, text, low, high)
            case N.Negative(value=value):
                return -self.value(value, raw)
            case N.Function(name=name, args=args):
                known = TEXT_FUNCTIONS.get(name) or NUMBER_FUNCTIONS[name]
                return _unless_none(known[-1], *(self.value(a, raw) for a in args))
            case N.Compare(op=op, left=left, right=right):
                a, b = self.value(left, raw), self.value(right, raw)
                return op == "!=" if a is None or b is None else _COMPARE[op](a, b)
            case N.Member(item=item, collection=collection):
                sought, among = self.value(item, raw), self.value(collection, raw)
                return sought is not None and among is not None and sought in among
        raise _Unsupported


def _unless_none(function: Callable[..., Any], *values: Any) -> Any:
    return None if any(value is None for value in values) else function(*values)


def _is_raw(node: N.Node) -> bool:
    return isinstance(node, N.Feature) and node.name == "raw"


def _reads_raw(node: N.Node) -> bool:
    return any(_is_raw(inner) for inner in N.walk(node))


def _base_text(node: N.Node) -> str:
    """Which token a ``.raw`` is asked of."""
    assert isinstance(node, N.Feature)
    return expression(node.base)


def _shown(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else str(value)
