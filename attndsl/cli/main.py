"""Entry point of the ``attndsl`` command."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from attndsl import __version__
from attndsl.cli import files, jobs, running
from attndsl.cli.output import show_error

app = typer.Typer(
    name="attndsl",
    help="Turn a transformer's attention heads into small programs you can read, test and put back into the model.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
files.register(app)
running.register(app)
jobs.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"attndsl {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; every failure is one clear message on stderr."""
    from attndsl.dsl.diagnostics import DiagnosticError

    try:
        result: Any = app(arguments, prog_name="attndsl", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except DiagnosticError as error:
        show_error(error)
        return 1
    except KeyboardInterrupt:
        return _stopped()
    except typer.Abort:
        return _stopped()
    except typer.Exit as exit_:
        return int(exit_.exit_code)
    except typer.TyperException as error:
        error.show()
        return int(getattr(error, "exit_code", 2))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _our_bug(error)


def _stopped() -> int:
    print("attndsl: stopped; what was finished is kept, the same command goes on from there", file=sys.stderr)
    return 130


def _our_bug(error: Exception) -> int:
    import traceback

    traceback.print_exc()
    print(
        f"attndsl: this is a bug in attndsl {__version__}, not in your input: {type(error).__name__}: {error}\n"
        "attndsl: please report it with the text above, the command and the file it read",
        file=sys.stderr,
    )
    return 3


if __name__ == "__main__":
    main()
