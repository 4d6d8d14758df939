"""What one iteration of a loop adds to a list that the loop reads, found by running the statements that lead to it.

Where that depends on names which iterations carry, the statements that set those are run as well: then it is known
what the names are at the start of an iteration.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from attndsl.dsl.pyimport.lift import carry as K
from attndsl.dsl.pyimport.lift import filling as F
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import NotLiftable, Retry
from attndsl.dsl.pyimport.lift.merge import subst_part
from attndsl.dsl.pyimport.lift.sequences import bind_target

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.summary import LoopRun

_MOST_GUESSES = 8  # names that iterations carry, in what is added to one list


def guess(run: LoopRun, key: int) -> None:
    """Remember in ``run.filled`` what one iteration adds to the list, where that can be found out."""
    run.tried.add(key)
    if run.element is None:
        return
    carried: set[str] = set()
    for _ in range(_MOST_GUESSES):
        body = F.statements(run.node.body, F.names_of(run.m, key), carried)
        try:
            more = _from(run, body, key, carried)
        except NotLiftable:
            return
        except Retry as retry:
            if not isinstance(retry.what, str) or not _learns_name(run, retry):
                return
            continue
        if more <= carried:
            return
        carried |= more


def _learns_name(run: LoopRun, retry: Retry) -> bool:
    """The statements that add depend on a name that iterations carry, which the loop can take over."""
    try:
        return run.learn(retry)
    except (NotLiftable, Retry):
        return False


def _from(run: LoopRun, body: list[ast.stmt], key: int, carried: set[str]) -> set[str]:
    """Remembers what these statements add, if that is sure; else the carried names that it depends on."""
    from attndsl.dsl.pyimport.lift.statements import run as execute

    m = run.m
    checkpoint = run.begin()
    assert run.element is not None
    bind_target(m, run.node.target, run.element)
    try:
        alive = execute(m, body)
        flows = m.flows[-1]
        final = run.final_state(alive, flows, [])
    finally:
        run.rewind(checkpoint)
    added = getattr(final.heap[key], "added", ())
    names = F.carried(run, added)
    if carried and not flows.breaks:
        own = {name: c for name, c in run.carries.items() if name in carried}
        mapping = K.resolve(run.view(T.FALSE), own, run.ended(final), run.start_values())[0]
        added = tuple(subst_part(p, mapping) for p in added)
        run.assumed[key] = mapping
        names = names - carried | F.carried(run, added)
    if not names and F.at_most_one(m, added) is not None:
        run.filled[key] = added
    return names
