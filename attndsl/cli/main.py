"""The ``attndsl`` command: its sub-commands, and every outcome as a message and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import typer

from attndsl import __version__
from attndsl.cli import (
    STOPPED,
    compare,
    compiling,
    damage,
    diff,
    editor,
    falsify,
    files,
    isolation,
    jobs,
    minimise,
    plan,
    qa,
    running,
    runs,
    stopped,
    synth,
)
from attndsl.cli.output import show_diagnostics
from attndsl.dsl.diagnostics import DiagnosticError, fail

# What the user typed cannot be meant, whatever the files say: exit code 2.
USAGE_CODES = frozenset({"E0501", "E0539", "E0804", "E0807", "E0809", "E0811", "E0813", "E0421"})
_NOT_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.EFBIG)

app = typer.Typer(
    name="attndsl",
    help="Turn a transformer's attention heads into small programs you can read, test and put back into the model.",
    epilog="attndsl COMMAND --help says more. Results go to stdout, everything else to stderr. "
    "Exit codes: 0 fine, 1 diagnostics, 2 usage, 3 a bug in attndsl, 130 stopped by Ctrl-C.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
jobs.register(app)
damage.register(app)
diff.register(app)
qa.register(app)
synth.register(app)
falsify.register(app)
compare.register(app)
minimise.register(app)
compiling.register(app)
files.register(app)
running.register(app)
runs.register(app)
plan.register(app)
isolation.register(app)
editor.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"attndsl {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def run(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; every failure is one clear message on stderr."""
    _never_fail_to_encode()
    try:
        return _run(arguments)
    finally:
        opened = sys.modules.get("attndsl.store.opened")  # without it no run was opened
        if opened is not None:
            opened.close_all()


def _run(arguments: list[str] | None) -> int:
    try:
        result: Any = app(several_files(arguments), prog_name="attndsl", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk or a closed pipe still gets its message
        if result == STOPPED:  # typer makes a result of Ctrl-C
            return stopped(arguments)
        return result if isinstance(result, int) else 0
    except DiagnosticError as error:
        return _diagnosed(error)
    except (KeyboardInterrupt, typer.Abort):
        return stopped(arguments)
    except typer.Exit as exit_:
        return int(exit_.exit_code)
    except SystemExit as exit_:  # typer makes one of a pipe that was closed
        if isinstance(exit_.__context__, BrokenPipeError):
            return 0
        raise
    except typer.TyperException as error:
        return _wrong_usage(error)
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except OSError as error:
        return _no_room(error) if error.errno in _NOT_OURS else _our_bug(error)
    except Exception as error:
        return _no_memory() if _is_out_of_memory(error) else _our_bug(error)


def _never_fail_to_encode() -> None:
    """A terminal or pipe that is not UTF-8 shows a question mark for a sign it has not."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def several_files(arguments: list[str] | None = None) -> list[str]:
    """``--programs a.py b.py`` as the parser wants it: ``--programs a.py --programs b.py``."""
    found: list[str] = []
    open_list = False
    for argument in sys.argv[1:] if arguments is None else arguments:
        if open_list and argument.endswith((".py", ".attn")):
            if found[-1] != "--programs":
                found.append("--programs")
        else:
            open_list = argument == "--programs"
        found.append(argument)
    return found


def _diagnosed(error: DiagnosticError) -> int:
    show_diagnostics(error.diagnostics)
    return 2 if {d.code for d in error.diagnostics} <= USAGE_CODES else 1


def _wrong_usage(error: typer.TyperException) -> int:
    from attndsl.cli.usage import is_help, usage_error

    if is_help(error):  # a command without its arguments shows its help
        print(error.format_message())
    else:
        show_diagnostics([usage_error(error)])
    return int(getattr(error, "exit_code", 2))


def _no_room(error: OSError) -> int:
    """An operating system error that no command foresaw, such as stdout on a full disk."""
    where = error.filename or "the output"
    _drop_stdout()
    return _diagnosed(
        fail(
            "E0805", f"cannot read or write {where}: {(error.strerror or str(error)).lower()}",
            help="free space, or choose another place; finished work is kept, the same command goes on",
        )
    )  # fmt: skip


def _is_out_of_memory(error: Exception) -> bool:
    # torch's own class is not imported for this: its name is enough.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in str(error)
    )


def _no_memory() -> int:
    return _diagnosed(
        fail(
            "E0814", "there is not enough memory", help="take fewer --heads or --tokens, or a machine with more memory"
        )
    )


def _drop_stdout() -> None:
    """What is still buffered can go nowhere: without this Python would complain about it once more at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return


def _our_bug(error: Exception) -> int:
    import traceback

    traceback.print_exc()
    print(
        f"attndsl: this is a bug in attndsl {__version__}, not in your input: {type(error).__name__}: {error}\n"
        "attndsl: please report it with the text above, the command and the file it read",
        file=sys.stderr,
    )
    return 3
