"""The numba back end: one machine, compiled once and kept on disk, runs the bytecode of any program.

``link.py`` gives every register a place in one of two heaps, numbers and truth values; ``interpreter.py`` goes through
the instructions for one block of query rows after the other (``loops.py``, ``updates.py``, ``reductions.py``,
``tables.py``: what they do), and ``results.py`` makes patterns of finished rows.

A row of keys is short, so what is done once per row counts as much as what is done per key. The instructions that most
programs are made of therefore name their vectors themselves (``lanes.py``): a mask of 64 keys is one number, of which
only the eights of keys that have a true value are visited; guards of 64 rows are one number too, and rows without are
never looked at.
"""

from attndsl.runtime.machine.machine import BytecodeMachine, on_first_compile

__all__ = ["BytecodeMachine", "on_first_compile"]
