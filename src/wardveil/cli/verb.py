"""Verb: what every command shares, which is its common options and how it ends."""

import inspect
import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from wardveil.cli.fault import write_fault
from wardveil.cli.log import logged_to
from wardveil.cli.output import Output
from wardveil.errors import WardveilError

FAULT: Final = 1
INTERRUPTED: Final = 130

JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print the result only.")]
LogOption = Annotated[
    Path | None, typer.Option("--log-file", help="Write a log of JSON lines (no patient data).")
]
_COMMON: Final = (
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False,
                      annotation=JsonOption),
    inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False,
                      annotation=QuietOption),
    inspect.Parameter("log_file", inspect.Parameter.KEYWORD_ONLY, default=None,
                      annotation=LogOption),
)  # fmt: skip


logging.getLogger("wardveil").addHandler(logging.NullHandler())


class Interrupted(Exception):  # noqa: N818 (not an error: a person pressed ctrl-C)
    """A person stopped the run; the message says what was spent."""


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Make a function `f(output, *, …)` a command.

    The command takes the options of the function, `--json`, `--quiet` and `--log-file`, and
    ends with an exit code: 0; the error's own; 130 after ctrl-C; 1 after a fault of ours, with
    a report that holds no data.
    """

    @wraps(function)
    def command(*, as_json: bool, quiet: bool, log_file: Path | None, **options: Any) -> None:
        output = Output(as_json=as_json, quiet=quiet)
        with ExitStack() as stack:
            try:
                if log_file:
                    stack.enter_context(logged_to(log_file))
                function(output, **options)
            except WardveilError as error:
                _log_end(error, error.exit_code)
                output.problems(error.problems)
                raise typer.Exit(error.exit_code) from None
            except (Interrupted, KeyboardInterrupt) as stop:
                _log_end(stop, INTERRUPTED)
                typer.echo(str(stop) or "Stopped. Nothing was written.", err=True)
                raise typer.Exit(INTERRUPTED) from None
            except (typer.Exit, typer.BadParameter):
                raise
            except Exception as error:  # noqa: BLE001 (the one place where a fault ends the program)
                _log_end(error, FAULT)
                where = write_fault(error)
                typer.echo(
                    f"This is a fault in wardveil ({type(error).__name__}), not in your table. "
                    f"A report without any of your data: {where}",
                    err=True,
                )
                raise typer.Exit(FAULT) from None

    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [*own, *_COMMON]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _log_end(error: BaseException, exit_code: int) -> None:
    """Log how the command ended; never the message of a foreign exception."""
    codes = [p.code for p in error.problems] if isinstance(error, WardveilError) else []
    logging.getLogger("wardveil").error(
        "ended with exit code %d: %s %s", exit_code, type(error).__name__, " ".join(codes)
    )
