"""Surrogate patients: what an adversarial model trains on under privacy, as long as it likes.

A critic that learns from 2,000 patients at ε = 1 sees little but noise; sums over all patients say
far more at the same price. So every model here spends most of its budget on the anchor
(`wardveil.networks.anchor`), draws patients from it, and plays its ordinary game on those: free,
since nobody's row is among them. The real patients meet the critic only where the signal law
lets it learn.
"""

from collections.abc import Sequence
from math import inf, sqrt

from wardveil.models.base import Model, Moment, Rng, Watch
from wardveil.networks.anchor import Fit, bought, questions
from wardveil.privacy import Budget, Gradients, Lease, Question, gaussian_mu, make_plan
from wardveil.schema import Schema
from wardveil.vault import OpenVault, Rows, SeededNoise, Vault

ANCHOR_SHARE = 0.8
"""Of the budget, the part for the anchor; the critic has the rest, where it is let in at all."""
LEAST = 2_000
"""Surrogates are at least as many: fewer would add an error of their own."""


def anchored(schema: Schema, *, n: int, budget: Budget) -> Sequence[Question]:
    """The questions of the anchor, from public facts."""
    return questions(schema, Fit(), n=n, budget=budget, share=ANCHOR_SHARE)


def let_in(
    first: Sequence[Question], critic: Gradients, *, n: int, budget: Budget, learnable: float
) -> tuple[Sequence[Question], Sequence[str]]:
    """The critic's question after the first ones, where the signal law lets it learn.

    Args:
        first: What is asked before.
        critic: The critic's gradients on patients.
        n: Patients.
        budget: ε and δ.
        learnable: Signal over noise that a step must be able to reach.

    Returns:
        The questions, and a remark for the statement that says which it is.
    """
    signal = critic.signal(n, gaussian_mu(budget) * sqrt(critic.share))
    if signal >= learnable:
        return (*first, critic), (f"The {critic.name} was trained on patients, privately.",)
    remark = (
        f"The {critic.name} did not see patients: at this size and budget its signal is "
        f"at most {signal:.2g} of its noise. The generator rests on the bought tables."
    )
    return first, (remark,)


def surrogates(
    vault: Vault, n: int, faithful: Model, *, m: int, rng: Rng, watch: Watch
) -> OpenVault:
    """Buy the anchor and draw patients from it: nobody's rows, so no noise is needed on them.

    Args:
        vault: Its plan holds the questions of `anchored`.
        n: Patients, public or bought.
        faithful: Settings whose questions without privacy the surrogates will be asked.
        m: How many; 0 draws as many as there are patients, and at least `LEAST`.
        rng: For soft rows and draws.
        watch: Told of the anchor's rounds.
    """

    def told(done: int, rounds: int) -> None:
        watch(Moment(phase="tables", step=done, steps=rounds))

    m = m or max(n, LEAST)
    rows = bought(vault, n, Fit(), rng.torch, told).draw(vault.schema, m, {}, rng.numpy)
    return opened(rows, vault.schema, faithful, seed=rng.seed())


def opened(rows: Rows, schema: Schema, model: Model, *, seed: int) -> OpenVault:
    """An open vault over rows that need no protection, for a model that asks without privacy.

    Args:
        rows: By variable.
        schema: Complete.
        model: What it asks is planned.
        seed: Of the order of batches.
    """
    n, free = len(next(iter(rows.values()))), Budget(epsilon=inf, delta=0.0)
    asked, _ = model.questions(schema, n, free)
    lease = Lease(make_plan(asked, budget=free, n=n))
    return OpenVault(rows, schema=schema, lease=lease, noise=SeededNoise(seed))
