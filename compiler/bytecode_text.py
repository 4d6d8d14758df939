"""Text functions leave the program: they are answered over columns on the host, before the machine starts.

A function of a text commutes with look-ups, so ``lower(text[index])`` becomes ``lower(text)[index]``; a function of two
looked-up texts becomes one table over both columns. What has no such form is answered by the numpy back end.
An ``answered`` operation holds its recipe: ``(function, constants, dtype, sources, zipped)``, where a source is
``("column", name)``, ``("text", text)`` or another recipe; ``("whole", op)`` stands for a value of the original graph.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_rebuild import remade
from attndsl.compiler.ir import Op
from attndsl.compiler.texts import text_map

Recipe = tuple[Any, ...]


class TextRewriter:
    """The step for ``bytecode_rebuild.rebuilt`` that puts ``answered`` operations in the place of ``map_text``."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder

    def __call__(self, original: Op, args: tuple[Op, ...]) -> Op:
        if original.name != "map_text":
            return remade(self.b, original, args)
        name, constants = original.attr
        found = self._push(name, constants, args, original.dtype)
        return self.whole(original) if found is None else found

    def whole(self, original: Op) -> Op:
        """The value of an operation as the numpy back end gives it."""
        return self._answered(("whole", original), original.axes, original.dtype)

    def _answered(self, recipe: Recipe, axes: tuple[str, ...], dtype: str) -> Op:
        return self.b.graph.op("answered", (), recipe, axes, dtype)

    def _push(self, name: str, constants: tuple[Hashable, ...], args: tuple[Op, ...], dtype: str) -> Op | None:
        """The function moved below look-ups and choices; None where that is not possible."""
        for place, arg in enumerate(args):
            if arg.name == "select":
                condition, *branches = arg.args
                found = [
                    self._push(name, constants, (*args[:place], branch, *args[place + 1 :]), dtype)
                    for branch in branches
                ]
                return None if None in found else self.b.select(condition, found[0], found[1])  # type: ignore[arg-type]
        open_places = [place for place, arg in enumerate(args) if arg.name != "text"]
        if not open_places:
            return self._known(name, constants, tuple(arg.attr for arg in args), dtype)
        if len(open_places) == 2:
            return self._pair(name, constants, args, dtype)
        place = open_places[0]
        arg = args[place]
        if arg.name in ("gather", "rename"):
            below = self._push(name, constants, (*args[:place], arg.args[0], *args[place + 1 :]), dtype)
            if below is None:
                return None
            if arg.name == "rename":
                return self.b.rename(below, *arg.attr)
            return self.b.gather(below, arg.attr, arg.args[1])
        if arg.name not in ("column", "answered"):
            return None
        return self._answered((name, constants, dtype, tuple(source_of(a) for a in args), False), arg.axes, dtype)

    def _known(self, name: str, constants: tuple[Hashable, ...], texts: tuple[str, ...], dtype: str) -> Op:
        value = text_map(name, constants, dtype, len(texts)).call(*texts, *constants)
        if dtype == "s":
            return self.b.text("" if value is None else value)  # that there is none is tracked beside it
        return self.b.const(bool(value) if dtype == "b" else float(value))

    def _pair(self, name: str, constants: tuple[Hashable, ...], args: tuple[Op, ...], dtype: str) -> Op | None:
        left, right = self._looked_up(args[0]), self._looked_up(args[1])
        if left is None or right is None:
            return None
        sources = (source_of(left[0]), source_of(right[0]))
        if left[1] is right[1]:
            zipped = self._answered((name, constants, dtype, sources, True), ("r",), dtype)
            return self.b.gather(zipped, "r", left[1])
        table = self._answered((name, constants, dtype, sources, False), ("r", "c"), dtype)
        return self.b.gather(self.b.gather(table, "r", left[1]), "c", right[1])

    def _looked_up(self, op: Op) -> tuple[Op, Op] | None:
        """A text as (column, index into it)."""
        if op.name in ("column", "answered") and len(op.axes) == 1:
            return op, self.b.iota(op.axes[0])
        if op.name == "rename" and op.args[0].name in ("column", "answered") and len(op.axes) == 1:
            return op.args[0], self.b.iota(op.attr[1])
        if op.name == "gather" and op.args[0].name in ("column", "answered") and len(op.args[0].axes) == 1:
            return op.args[0], op.args[1]
        return None


def source_of(op: Op) -> Recipe:
    """What the host needs to know to give the value of a leaf."""
    if op.name == "answered":
        return op.attr  # type: ignore[no-any-return]
    return (op.name, op.attr)


def over_words(recipe: Recipe) -> tuple[bool, ...]:
    """For each axis of a recipe: does it run over words (or else over tokens)?"""
    match recipe:
        case ("column", name):
            return (name.startswith("word."),)
        case ("text", _):
            return ()
        case ("whole", op):
            return tuple(axis[0] == "w" for axis in op.axes)
    sources = [over_words(source) for source in recipe[3]]
    if recipe[4]:
        return sources[0]
    return tuple(axis for source in sources for axis in source)
