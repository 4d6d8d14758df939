"""The numba back end: one machine, compiled once and kept on disk, runs the bytecode of any program."""

from attndsl.runtime.machine.machine import BytecodeMachine, on_first_compile

__all__ = ["BytecodeMachine", "on_first_compile"]
