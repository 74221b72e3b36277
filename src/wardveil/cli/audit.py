"""wardveil audit: try to catch wardveil reading patients past its mechanisms; needs no table."""

from typing import TYPE_CHECKING, Annotated

import typer

from wardveil.cli.output import Output

if TYPE_CHECKING:
    from wardveil.audit.canary import CanaryAudit
    from wardveil.audit.models import Examined


def audit(
    output: Output,
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="One model; by default all of them.")
    ] = "",
    canaries: Annotated[
        int, typer.Option(min=100, help="Canaries in the measured release.")
    ] = 1000,
    epsilon: Annotated[
        float, typer.Option("--epsilon", "-e", help="ε of the measured release.")
    ] = 1.0,
) -> None:
    """Replay and couple models on made-up patients, and measure a release with canaries."""
    from wardveil.audit.canary import audit_canaries
    from wardveil.audit.models import examine, names
    from wardveil.errors import Problem, VerifyError

    examined = [examine(name) for name in ([model] if model else names())]
    measured = audit_canaries(epsilon=epsilon, canaries=canaries)
    text = "\n".join([*map(_model, examined), *_canaries(measured)])
    data = {
        "models": [e.to_dict() for e in examined], "canaries": measured.to_dict(),
        "passed": measured.passed and all(e.passed for e in examined),
    }  # fmt: skip
    output.result(text, data)
    failed = [f"model {e.model}" for e in examined if not e.passed]
    failed += [] if measured.passed else ["the canaries"]
    if failed:
        raise VerifyError(
            Problem(
                code="E610",
                what=f"An audit must pass, and failed: {', '.join(failed)}.",
                do=("Repeat it: the canaries alone fail once in 300 runs by chance.",
                    "If it fails again, release nothing and report it.",),
            )
        )  # fmt: skip


def _model(examined: "Examined") -> str:
    """One model in a line."""
    moves = " · ".join(f"{kind} {move:.4f}" for kind, move in examined.worst.items())
    return (
        f"{'passed' if examined.passed else 'FAILED'}  {examined.model:<14}  "
        f"replay {'equal' if examined.replayed else 'DIFFERS'} · moves, of 1 allowed: {moves}"
    )


def _canaries(measured: "CanaryAudit") -> list[str]:
    """The measurement in lines."""
    seen = "" if measured.sighted else "  The audit did not see its canaries."
    return [
        f"{'passed' if measured.passed else 'FAILED'}  canaries        "
        f"μ measured {measured.found:.3f} ± {measured.error:.3f}, "
        f"claimed {measured.claimed:.3f}{seen}",
        f"        {measured.canaries} canaries, {measured.steps} steps, "
        f"ε {measured.epsilon:g}, δ {measured.delta:g}; shown with certainty: "
        f"ε ≥ {measured.epsilon_shown:.3f}",
    ]
