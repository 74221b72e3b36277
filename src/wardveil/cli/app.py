"""The command line: one small file a verb; nothing heavy is imported before a verb runs."""

from importlib.metadata import version
from typing import Annotated

import typer

from wardveil.cli.audit import audit
from wardveil.cli.check import check
from wardveil.cli.demo import demo
from wardveil.cli.door import import_
from wardveil.cli.explain import explain
from wardveil.cli.fit import fit
from wardveil.cli.init import init
from wardveil.cli.ledger import app as ledger
from wardveil.cli.models import models
from wardveil.cli.plan import plan
from wardveil.cli.release import release
from wardveil.cli.report import report
from wardveil.cli.run import run
from wardveil.cli.sample import sample
from wardveil.cli.verb import verb
from wardveil.cli.verify import verify

app = typer.Typer(
    name="wardveil",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
for function in (
    demo, import_, init, check, plan, fit, sample, run, report, release, verify, audit, models,
    explain,
):  # fmt: skip
    app.command(function.__name__.strip("_"))(verb(function))
app.add_typer(ledger, name="ledger")


def _print_version(asked: bool) -> None:  # noqa: FBT001 (typer calls it by position)
    if asked:
        typer.echo(f"wardveil {version('wardveil')}")
        raise typer.Exit


@app.callback()
def _start(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Synthetic patients with a privacy statement that is true.

    Start with "wardveil demo". Exit codes: 0 done, 1 a fault of ours, 2 wrong use, 3 table and
    schema disagree, 4 budget refused, 5 not released, 6 not verified, 7 a part is not installed,
    130 interrupted.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    app()
