"""Names that something still reads once a loop has ended: what the others hold then need not be worked out.

Backwards over the statements of one function, as in any compiler: what a statement reads is live before it, what it
sets is not. A loop may run its body again or not at all. Names that a nested function reads are always live, and what
stands in a ``try`` block counts as read throughout, since any statement in it may be the last one.
"""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.values import Unbound

NOT_READ = Unbound("nothing reads it")
"""Stands for the value of such a name: were it read after all, the lift would stop."""

_LIVE: WeakKeyDictionary[ast.FunctionDef, WeakKeyDictionary[ast.For, frozenset[str]]] = WeakKeyDictionary()


def after_loops(function: ast.FunctionDef) -> WeakKeyDictionary[ast.For, frozenset[str]]:
    """For each loop of a function, not of those defined inside it: the names that may be read after an iteration, by
    the next one or behind the loop."""
    found = _LIVE.get(function)
    if found is None:
        found = _LIVE[function] = _Liveness().of(function)
    return found


_PLAIN = frozenset((ast.Attribute, ast.Subscript, ast.Constant, ast.Call, ast.Compare, ast.BinOp, ast.Assign))
"""The most frequent of the classes that neither read nor set a name themselves."""


class _Liveness:
    """Sets of names are whole numbers with a bit for each name."""

    def __init__(self) -> None:
        self.bits: dict[str, int] = {}
        self.always = 0
        self.floor = 0
        self.recording = False
        self.needed: dict[ast.AST, int] = {}
        self.heads: dict[ast.For, int] = {}
        self.simple: dict[ast.AST, tuple[int, int]] = {}

    def of(self, function: ast.FunctionDef) -> WeakKeyDictionary[ast.For, frozenset[str]]:
        self.recording = True
        self.before(function.body)
        found: WeakKeyDictionary[ast.For, frozenset[str]] = WeakKeyDictionary()
        for loop, head in self.heads.items():
            live = head | self.always
            found[loop] = frozenset(name for name, bit in self.bits.items() if live & bit)
        return found

    def bit(self, name: str) -> int:
        found = self.bits.get(name)
        if found is None:
            found = self.bits[name] = 1 << len(self.bits)
        return found

    def before(self, body: list[ast.stmt], after: int = 0, broken: int = 0, continued: int = 0) -> int:
        """What is live before these statements, from what is live behind them and where they may jump to."""
        live = after | self.floor
        for s in reversed(body):
            match s:
                case ast.If(test=test, body=then, orelse=other):
                    ways = self.before(then, live, broken, continued) | self.before(other, live, broken, continued)
                    live = self.reads(test)[0] | ways
                case ast.For() | ast.While():
                    live = self.loop(s, live, broken, continued)
                case ast.Break():
                    live = broken
                case ast.Continue():
                    live = continued
                case ast.Return() | ast.Raise():
                    live = self.reads(s)[0]
                case ast.Try():
                    live = self.tried(s, live, broken, continued)
                case _:
                    read, set_ = self.reads(s)
                    live = read | (live & ~set_)
            live |= self.floor
        return live

    def loop(self, node: ast.For | ast.While, after: int, broken: int, continued: int) -> int:
        """What is live before a loop. Its body is gone over once for what it needs and once for the loops inside."""
        ended = after | self.before(node.orelse, after, broken, continued)
        needed = self.needed.get(node)
        if needed is None:
            recording, self.recording = self.recording, False
            needed = self.needed[node] = self.before(node.body)
            self.recording = recording
        if isinstance(node, ast.For):
            read, set_ = self.reads(node.target)
            head, first = ended | read | (needed & ~set_), self.reads(node.iter)[0]
        else:
            head, first = ended | needed | self.reads(node.test)[0], 0
        if self.recording:
            if isinstance(node, ast.For):
                self.heads[node] = head | self.floor
            self.before(node.body, head, after, head)
        return first | head

    def tried(self, node: ast.Try, after: int, broken: int, continued: int) -> int:
        floor = self.floor
        self.floor |= after | self.reads(node)[0]
        for body in (node.body, *(h.body for h in node.handlers), node.orelse, node.finalbody):
            self.before(body, after, broken, continued)
        live, self.floor = self.floor, floor
        return live

    def reads(self, node: ast.AST) -> tuple[int, int]:
        """The names that a statement or an expression reads, and those that it surely sets."""
        found = self.simple.get(node)
        if found is None:
            found = self.simple[node] = self._reads(node)
        return found

    def _reads(self, root: ast.AST) -> tuple[int, int]:
        read = set_ = perhaps = 0
        bit = self.bit
        for x in pytree.walk(root):
            kind = x.__class__
            if kind is ast.Name:
                if x.ctx.__class__ is ast.Store:  # type: ignore[attr-defined]
                    set_ |= bit(x.id)  # type: ignore[attr-defined]
                else:
                    read |= bit(x.id)  # type: ignore[attr-defined]
            elif kind in _PLAIN:
                continue
            elif isinstance(x, ast.AugAssign) and isinstance(x.target, ast.Name):
                read |= bit(x.target.id)
            elif isinstance(x, ast.FunctionDef | ast.Lambda):
                self.always |= self.names(x)
            elif isinstance(x, ast.Global | ast.Nonlocal):
                self.always |= sum({bit(name) for name in x.names})
            elif isinstance(x, ast.comprehension | ast.NamedExpr | ast.AnnAssign):
                perhaps |= self.names(x.target)  # set inside only, or not at all
        return read, set_ & ~perhaps

    def names(self, root: ast.AST) -> int:
        return sum({self.bit(x.id) for x in pytree.walk(root) if isinstance(x, ast.Name)})
