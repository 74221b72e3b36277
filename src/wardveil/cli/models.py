"""wardveil models: what there is to fit, and what can be set."""

from typing import Annotated

import typer

from wardveil.cli.output import Output


def models(
    output: Output,
    name: Annotated[str, typer.Argument(help="A model, for its settings.")] = "",
) -> None:
    """List the models, or the settings of one."""
    from wardveil.models import MODELS, defaults, settings

    if not name:
        summaries = {key: _summary(model) for key, model in MODELS.items()}
        width = max(map(len, summaries))
        text = "\n".join(f"{key:<{width}}  {line}" for key, line in summaries.items())
        output.result(text, {"models": summaries})
        return
    summary = _summary(type(settings(name, {})))
    known = defaults(name)
    width = max(map(len, known), default=0)
    lines = [f"{key:<{width}}  {value:<16}  {kind}" for key, (kind, value) in known.items()]
    output.result(
        "\n".join([summary, "", *lines]),
        {"model": name, "summary": summary,
         "settings": {k: {"type": kind, "default": v} for k, (kind, v) in known.items()}},
    )  # fmt: skip


def _summary(model: type) -> str:
    return (model.__doc__ or "").strip().split("\n")[0]
