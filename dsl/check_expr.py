"""Kinds of expressions: the part of the check that rules share.

After an error a value is UNKNOWN and stays quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import (
    AGGREGATES_OF_NODES,
    METHODS,
    NUMBER_FUNCTIONS,
    TEXT_FUNCTIONS,
    TOKEN_FEATURES,
    TOKEN_VIA_WORD,
    WORD_FEATURES,
)
from attndsl.dsl.diagnostics import Diagnostic, Fix, diagnostic
from attndsl.dsl.fixes import length_fixes, name_fixes
from attndsl.dsl.source import SourceFile, Span
from attndsl.dsl.types import BOOL, NUM, NUMBERS, STR, TEXTS, TOKENS, UNKNOWN, WORD, WORDS, Kind, Type

Scope = Mapping[str, Type]
_UNKNOWN = Type(UNKNOWN)
_NUM, _BOOL, _STR = Type(NUM), Type(BOOL), Type(STR)
_PLAIN: dict[type[N.Node], Type] = {
    N.Number: _NUM, N.Truth: _BOOL, N.Text: _STR, N.FirstPosition: _NUM, N.AllWords: Type(WORDS),
}  # fmt: skip
_OPERATORS = frozenset((N.And, N.Or, N.Compare, N.Binary, N.Not))
_MEMBER_OF = {TEXTS: STR, STR: STR, NUMBERS: NUM, TOKENS: NUM, WORDS: WORD}


@dataclass
class ExpressionChecker:
    """State of one program's check, and the kinds of its expressions."""

    program: N.Program
    found: list[Diagnostic] = field(default_factory=list)
    lets: dict[str, N.Let] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    matrices: set[str] = field(default_factory=lambda: {"W"})
    _calls: dict[tuple[str, tuple[Type, ...]], Type] = field(default_factory=dict)
    _names: dict[str, Type] = field(default_factory=dict)
    _reported: set[tuple[str, Span]] = field(default_factory=set)

    @property
    def source(self) -> SourceFile | None:
        return self.program.source

    def report(
        self,
        code: str,
        headline: str,
        node: N.Node,
        help: str | None = None,
        label: str = "",
        fixes: Sequence[Fix] = (),
    ) -> Type:
        if (code, node.span) not in self._reported or node.span.end == 0:
            self._reported.add((code, node.span))
            span = node.span if node.span.end else None
            self.found.append(
                diagnostic(code, headline, source=self.source, span=span, help=help, label=label, fixes=fixes)
            )
        return _UNKNOWN

    def matrix(self, name: str, node: N.Node) -> None:
        if name not in self.matrices:
            close = get_close_matches(name, sorted(self.matrices), n=1)
            hint = f"did you mean {close[0]}?" if close else f"declare it first: matrix {name}"
            fixes = name_fixes(self.source, node, name, close)
            self.report("E0207", f"no matrix is named {name}", node, help=hint, fixes=fixes)

    # ------------------------------------------------------------ expressions

    def expect(self, node: N.Expr, scope: Scope, kind: Kind, optional: bool = False) -> Type:
        found = self.infer(node, scope)
        if found.kind not in (kind, UNKNOWN) and not (kind is NUM and found.kind is BOOL):
            return self.report("E0203", f"expected a {kind.value}, found a {found.kind.value}", node)
        return found

    def condition(self, node: N.Expr, scope: Scope) -> None:
        found = self.infer(node, scope)
        if found.kind not in (BOOL, UNKNOWN):
            self.report(
                "E0203", f"expected a condition, found a {found.kind.value}", node, help="compare it with something"
            )

    def infer(self, node: N.Expr, scope: Scope) -> Type:
        known = _PLAIN.get(node.__class__)
        if known is not None:
            return known
        if node.__class__ in _OPERATORS:  # most of what is not plain; each class below is one more question
            return self.operator(node, scope)
        match node:
            case N.Var(name=name):
                return self.variable(node, name, scope)
            case N.Feature():
                return self.feature(node, scope)
            case N.Name() | N.Call():
                return self.apply(node, scope)
            case N.SetOf():
                return self.set_of(node)
            case N.SelfPosition():
                return self.variable(node, "q", scope)
            case N.Method():
                return self.method(node, scope)
            case N.Index(base=base, index=index):
                self.expect(base, scope, STR)
                self.expect(index, scope, NUM)
                return Type(STR, True)
            case N.Slice(base=base, start=start, stop=stop):
                found = self.expect(base, scope, STR)
                for bound in (start, stop):
                    if bound is not None:
                        self.expect(bound, scope, NUM)
                return found
            case N.Cell(matrix=matrix, row=row, column=column):
                self.matrix(matrix, node)
                self.expect(row, scope, NUM)
                self.expect(column, scope, NUM)
                return Type(NUM, True)
            case N.RowStat():
                self.variable(node, "q", scope)
                return _NUM
        return self.operator(node, scope)

    def operator(self, node: N.Expr, scope: Scope) -> Type:
        match node:
            case N.And(left=left, right=right) | N.Or(left=left, right=right):
                self.condition(left, scope)
                self.condition(right, scope)
                return _BOOL
            case N.Compare():
                return self.compare(node, scope)
            case N.Binary():
                return self.binary(node, scope)
            case N.Not(value=value):
                self.condition(value, scope)
                return _BOOL
            case N.Negative(value=value):
                return Type(NUM, self.expect(value, scope, NUM).optional)
            case N.IfElse(condition=condition, then=then, otherwise=other):
                self.condition(condition, scope)
                return self.join(node, self.infer(then, scope), self.infer(other, scope))
            case N.Otherwise(value=value, default=default):
                found, fallback = self.infer(value, scope), self.infer(default, scope)
                return Type(self.join(node, found, fallback).kind, fallback.optional)
            case N.IsNone(value=value):
                self.infer(value, scope)
                return _BOOL
            case N.Member():
                return self.member(node, scope)
            case N.Function():
                return self.function(node, scope)
            case N.Host(name=name, args=args):
                self.reads.add("host." + name)
                if len(args) != 2:
                    return self.report("E0202", f"host relations take 2 positions, not {len(args)}", node)
                for arg in args:
                    self.expect(arg, scope, NUM)
                return Type(NUM, True)
            case N.Aggregate():
                return self.aggregate(node, scope)
        raise TypeError(f"not an expression: {type(node).__name__}")

    def set_of(self, node: N.SetOf) -> Type:
        kinds = {type(item) for item in node.items}
        if kinds == {N.Text}:
            return Type(TEXTS)
        if kinds == {N.Number}:
            return Type(NUMBERS)
        return self.report("E0203", "a set holds texts only or numbers only, written out", node)

    def variable(self, node: N.Node, name: str, scope: Scope) -> Type:
        if name in scope:
            return scope[name]
        if name == "n":
            if self.program.direction == "causal":
                return self.report(
                    "E0208", "a causal head cannot know how long the text will be", node,
                    help="write q + 1 for the number of tokens so far, or drop 'causal' from the head",
                    fixes=length_fixes(self.program, node, "q" in scope),
                )  # fmt: skip
            return _NUM
        hint = "make it a parameter of the definition" if name in "qk" else "bind it in an aggregate or a parameter"
        if name == "k":
            hint = "only values of a rule and what stands in 'each k' can read k"
        return self.report("E0204", f"the variable {name} has no meaning here", node, help=hint)

    def apply(self, node: N.Name | N.Call, scope: Scope) -> Type:
        args = node.args if isinstance(node, N.Call) else ()
        types = tuple(self.infer(arg, scope) for arg in args)
        let = self.lets.get(node.name)
        if let is None:
            close = get_close_matches(node.name, [*self.lets, *self.matrices], n=1)
            hint = f"did you mean {close[0]}?" if close else f"define it above: let {node.name} = ..."
            fixes = name_fixes(self.source, node, node.name, close)
            return self.report("E0201", f"{node.name} is not defined", node, help=hint, fixes=fixes)
        self.used.add(node.name)
        if len(args) != len(let.params):
            return self.report("E0202", f"{node.name} takes {len(let.params)} arguments, not {len(args)}", node)
        if not let.params:
            return self._names.get(node.name, _UNKNOWN)
        key = (node.name, types)
        found = self._calls.get(key)
        if found is None:
            found = self._calls[key] = self.infer(let.value, dict(zip(let.params, types, strict=True)))
        return found

    def feature(self, node: N.Feature, scope: Scope) -> Type:
        base = self.infer(node.base, scope)
        if base.kind is UNKNOWN:
            return _UNKNOWN
        optional = base.optional or not isinstance(node.base, N.Var | N.SelfPosition)
        if base.kind is NUM:
            if node.name in TOKEN_FEATURES:
                owner = "word" if node.name in ("word", "words") else "token"
                self.reads.add(f"{owner}.{node.name}")
                return Type(TOKEN_FEATURES[node.name].kind, optional or node.name == "word")
            if node.name == "head":
                self.reads.add("word.head")
                return Type(NUM, True)
            if node.name in TOKEN_VIA_WORD:
                self.reads.add("word." + node.name)
                return Type(WORD_FEATURES[node.name].kind, True)
        if base.kind is WORD and node.name in WORD_FEATURES:
            self.reads.add("word." + node.name)
            return Type(WORD_FEATURES[node.name].kind, base.optional)
        return self.report(
            "E0209", f"a {base.kind.value if base.kind is not NUM else 'token'} has no feature .{node.name}", node
        )

    def method(self, node: N.Method, scope: Scope) -> Type:
        base = self.expect(node.base, scope, STR)
        info = METHODS.get(node.name)
        if info is None:
            close = get_close_matches(node.name, METHODS, n=1)
            hint = f"did you mean .{close[0]}()?" if close else None
            return self.report("E0201", f"no text method is named .{node.name}()", node, help=hint)
        if not info.required <= len(node.args) <= len(info.params):
            return self.report("E0202", f".{node.name}() takes {info.required} arguments, not {len(node.args)}", node)
        optional = base.optional
        for arg, wanted in zip(node.args, info.params, strict=False):
            found = self.infer(arg, scope)
            optional |= found.optional
            allowed = (STR, TEXTS, UNKNOWN) if wanted == "texts" else (STR, UNKNOWN)
            if found.kind not in allowed:
                self.report("E0203", f".{node.name}() takes a text, found a {found.kind.value}", arg)
        return Type(info.kind, optional)

    def binary(self, node: N.Binary, scope: Scope) -> Type:
        left, right = self.infer(node.left, scope), self.infer(node.right, scope)
        if UNKNOWN in (left.kind, right.kind):
            return _UNKNOWN
        optional = left.optional or right.optional
        if node.op == "+" and left.kind is STR and right.kind is STR:
            return Type(STR, optional)
        for side, found in ((node.left, left), (node.right, right)):
            if found.kind not in (NUM, BOOL):
                return self.report("E0203", f"{node.op} takes numbers, found a {found.kind.value}", side)
        if node.op in ("/", "//", "%") and node.right == N.Number(0.0):
            return self.report("E0210", "division by zero", node.right)
        return Type(NUM, optional)

    def compare(self, node: N.Compare, scope: Scope) -> Type:
        left, right = self.infer(node.left, scope).kind, self.infer(node.right, scope).kind
        if UNKNOWN in (left, right):
            return _BOOL
        numeric = (NUM, BOOL)
        ordered = node.op not in ("==", "!=")
        same = (left in numeric and right in numeric) or (left is right and left in (STR, WORD))
        if not same or (ordered and left is WORD):
            return self.report("E0203", f"cannot compare a {left.value} with a {right.value}", node)
        return _BOOL

    def join(self, node: N.Expr, left: Type, right: Type) -> Type:
        if UNKNOWN in (left.kind, right.kind):
            return _UNKNOWN
        kind = left.kind
        if left.kind is not right.kind:
            if {left.kind, right.kind} != {NUM, BOOL}:
                return self.report(
                    "E0203", f"the two values differ in kind: {left.kind.value} and {right.kind.value}", node
                )
            kind = NUM
        return Type(kind, left.optional or right.optional)

    def member(self, node: N.Member, scope: Scope) -> Type:
        item, collection = self.infer(node.item, scope).kind, self.infer(node.collection, scope).kind
        if UNKNOWN in (item, collection):
            return _BOOL
        wanted = _MEMBER_OF.get(collection)
        if wanted is None:
            return self.report("E0203", f"'in' needs a set or a text, found a {collection.value}", node.collection)
        if item is not wanted and not (wanted is NUM and item is BOOL):
            return self.report("E0203", f"a {item.value} cannot be in a {collection.value}", node.item)
        return _BOOL

    def function(self, node: N.Function, scope: Scope) -> Type:
        if node.name in TEXT_FUNCTIONS:
            count = TEXT_FUNCTIONS[node.name][0]
            if len(node.args) != count:
                return self.report("E0202", f"{node.name} takes {count} arguments, not {len(node.args)}", node)
            types = [self.expect(arg, scope, STR) for arg in node.args]
        elif node.name in NUMBER_FUNCTIONS:
            fewest, most, _ = NUMBER_FUNCTIONS[node.name]
            if not fewest <= len(node.args) <= most:
                return self.report("E0202", f"{node.name} takes {fewest} arguments, not {len(node.args)}", node)
            types = [self.expect(arg, scope, NUM) for arg in node.args]
        else:
            return self.report("E0201", f"no function is named {node.name}", node)
        return Type(NUM, any(t.optional for t in types))

    # ------------------------------------------------------------ binders

    def binder(self, binder: N.Binder, scope: Scope) -> tuple[Scope, Kind]:
        if binder.var in scope or binder.var == "n":
            self.report(
                "E0205", f"the variable {binder.var} already has a meaning here", binder, help="use another letter"
            )
        kind = NUM
        if binder.domain is not None:
            found = self.infer(binder.domain, scope).kind
            if found is WORDS:
                kind = WORD
            elif found not in (TOKENS, UNKNOWN):
                self.report(
                    "E0203", f"a variable runs over tokens or a set of words, not a {found.value}", binder.domain
                )
        for bound in (binder.lower, binder.upper):
            if bound is not None:
                self.expect(bound, scope, NUM)
                if kind is WORD:
                    self.report("E0203", "bounds are for tokens; use 'where' with .index", bound)
        inner = {**scope, binder.var: Type(kind)}
        if binder.where is not None:
            self.condition(binder.where, inner)
        return inner, kind

    def aggregate(self, node: N.Aggregate, scope: Scope) -> Type:
        inner, kind = self.binder(node.binder, scope)
        if node.kind == "nth":
            assert node.value is not None
            self.expect(node.value, scope, NUM)
        elif node.kind == "all":
            assert node.value is not None
            self.condition(node.value, inner)
        elif node.value is not None:
            self.expect(node.value, inner, NUM)
        if node.kind in AGGREGATES_OF_NODES:
            return Type(kind, True)
        if node.kind in ("any", "all"):
            return _BOOL
        return Type(NUM, node.kind in ("largest", "smallest"))
