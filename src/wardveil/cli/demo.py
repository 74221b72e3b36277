"""wardveil demo: the bundled cohort, end to end."""

from pathlib import Path
from typing import Annotated, Final

import typer

from wardveil.cli.journey import Request, travel
from wardveil.cli.option import Seed
from wardveil.cli.output import Output

EPSILON: Final = 1.0
HOLDOUT: Final = 1 / 3
"""Share of people the model never sees, so that the report can judge it; said aloud."""
MARK: Final = ".wardveil-demo"


def demo(
    output: Output,
    *,
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write; an old demo is replaced.")
    ] = Path("demo-out"),
    seed: Seed = None,
) -> None:
    """Everything once, on the public data of a bundled study."""
    from wardveil.tables import demo_schema, demo_table_path

    output.say(
        "NHEFS: 1,629 people who smoked in 1971, followed to 1992. The data are public;\n"
        "the demo treats them as if they were patients. A third of them is kept apart, so that\n"
        "the report can test on people the model has not seen."
    )
    travel(
        Request(table=demo_table_path(), schema=demo_schema(), epsilon=EPSILON, seed=seed,
                holdout=HOLDOUT, folder=folder, mark=MARK),
        output,
    )  # fmt: skip
