"""Put a changed module in the place of the real one: in functions that live already, or when it is imported."""

from __future__ import annotations

import ast
import gc
import importlib.machinery
import os
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from mutations import ROOT, Mutant, changes

CO_OPTIMIZED = 1
"""The flag of code with local variables: a function, not a module or the body of a class."""


def changed_tree(mutant: Mutant) -> ast.Module:
    tree = ast.parse((ROOT / mutant.file).read_text(encoding="utf-8"))
    list(changes(tree))[mutant.site][2]()
    return ast.fix_missing_locations(tree)


def module_of(mutant: Mutant) -> str:
    return ".".join(["attndsl", *Path(mutant.file).with_suffix("").parts]).removesuffix(".__init__")


def compiled(mutant: Mutant) -> tuple[CodeType, CodeType]:
    """The code of the module as it is, and with the change."""
    target = str(ROOT / mutant.file)
    text = Path(target).read_text(encoding="utf-8")
    return compile(ast.parse(text), target, "exec"), compile(changed_tree(mutant), target, "exec")


def load_changed(mutant: Mutant) -> None:
    """From now on in this process, the mutant's module is imported with its change."""
    target = str(ROOT / mutant.file)
    genuine = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str):  # type: ignore[no-untyped-def]
        if os.path.realpath(loader.path) != target:
            return genuine(loader, name)
        return compile(changed_tree(mutant), target, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]


def nested(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Code before and after, for everything inside; what the change left out has no partner."""
    yield old, new
    left = nested(new)
    for inner in nested(old):
        for other in left:
            if (inner.co_qualname, inner.co_firstlineno) == (other.co_qualname, other.co_firstlineno):
                left.remove(other)
                yield from pairs(inner, other)
                break


def own_part(code: CodeType) -> tuple[object, ...]:
    """What a piece of code does itself, without the functions inside it."""
    plain = tuple((type(c), c) for c in code.co_consts if not isinstance(c, CodeType))
    return code.co_code, plain, code.co_names, code.co_varnames, code.co_freevars


def needs_import(mutant: Mutant) -> bool:
    """Whether functions that live already cannot take the change.

    It is in a module or a class itself, which has done its work, or a function now closes over other variables.
    """
    return any(
        a.co_freevars != b.co_freevars or (own_part(a) != own_part(b) and not a.co_flags & CO_OPTIMIZED)
        for a, b in pairs(*compiled(mutant))
    )


def change_functions(mutant: Mutant) -> bool:
    """Give the functions of this process the changed code; whether any took it."""
    partners = [(a, b) for a, b in pairs(*compiled(mutant)) if a.co_flags & CO_OPTIMIZED and a != b]
    done = False
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename == str(ROOT / mutant.file):
            for new in (b for a, b in partners if function.__code__ == a):
                function.__code__ = new
                done = True
                break
    return done
