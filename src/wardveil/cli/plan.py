"""wardveil plan: what a fit would ask and what it would cost; opens no table."""

from wardveil.cli.option import (
    Delta,
    Epsilon,
    ModelName,
    PrivateFacts,
    Rows,
    SchemaArgument,
    Settings,
    facts_of,
    model_of,
)
from wardveil.cli.output import Output


def plan(  # noqa: PLR0913 (one parameter an option)
    output: Output,
    schema: SchemaArgument,
    *,
    epsilon: Epsilon,
    rows: Rows = None,
    delta: Delta = None,
    model: ModelName = "auto",
    settings: Settings = None,
    private_facts: PrivateFacts = False,
) -> None:
    """Print the mechanisms, their shares and their noise."""
    from wardveil.schema import Schema
    from wardveil.synthesizer import plan as planned

    plan = planned(
        Schema.read(schema), rows=rows, epsilon=epsilon, delta=delta,
        model=model_of(model, settings), facts=facts_of(look=False, private=private_facts),
    )  # fmt: skip
    output.result(str(plan), plan.to_dict())
