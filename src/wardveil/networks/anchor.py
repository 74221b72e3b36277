r"""The anchor: noisy sums over all patients, soft rows fitted to them, patients drawn from these.

Every model that trains under privacy can rest on it: `questions` says what will be asked, `bought`
asks it, `Population.draw` makes surrogate patients, as many as wanted, at no further cost.

Symbols
    p_v     distribution of variable v over its fine cells, from noisy histograms
    b_v     its bins, of about equal mass
    x       a patient as a vector centred on what is known (`encode.embedding`): short for all but
            unusual patients, and clipped to length 1
    F       second moments of ranks, missing and levels: how every two variables go together
    S       (R, K, B) soft rows: S[r, v] is a distribution over the bins of v
    P_ij    S_iᵀ S_j / R, the table of a pair that the rows imply
    a, y    a patient's arm, centred, and endpoint, standardised (`encode.contrast`)
    M_ij    what the vault answered for a chosen pair, shrunk towards P_ij
    n, sd   patients, and the noise on each cell of a pair table

    1  p_v from histograms; bins from p_v                           one-way
    2  the masses of the bins once more, centred on p_v             masses     Σ x
       who missed which visit, times with their events              attendance, survival
    3  all pairs at once, as second moments                         moments    Σ x xᵀ
       in a trial what the arm does to the declared endpoint        effect     Σ a·y
    4  fit S to p_v and F; draw patients from S, see what the       free
       clip takes from such, give it back to p_v and F, fit again
    5  repeat, where n·ε allows: choose the pair whose table the    choice
       rows know worst, buy it, fit S to it as well                 marginal
    6  fit S to everything; where every pair was bought, with rows  free
       made surer of themselves

At ε = 1 one patient can move step 3 little, and it holds every pair; tables of single pairs pay
only where patients or ε are plenty.

Source: steps 5 and 4 follow McKenna et al. (2022), arXiv:2201.12677 (AIM: the score, the loop) and
    Liu et al. (2021), arXiv:2106.07153 (GEM: a generator fitted to noisy answers); steps 2 and 3
    are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from wardveil.encode.bins import Bins, corrected
from wardveil.encode.contrast import Contrast
from wardveil.encode.embedding import Embedding, correlates, masses
from wardveil.encode.forbidden import forbidden
from wardveil.encode.histogram import Probabilities, all_peaks, distributions
from wardveil.encode.moments import denoised
from wardveil.encode.pairs import (
    bins_for,
    emphasis,
    pair_weights,
    pairs_planned,
    pairs_possible,
    planned_noise,
    shrunk,
)
from wardveil.networks import followup
from wardveil.networks.alike import alike
from wardveil.networks.clipped import lost_means, lost_products
from wardveil.networks.population import Population
from wardveil.networks.softrows import SoftRows
from wardveil.privacy import Budget, Choices, Histograms, Marginals, Moments, Question
from wardveil.schema import Schema
from wardveil.vault import Vault, tables_of

FIRM = 100.0
"""How much more than its noise asks a one-way weighs in the fit: histograms are known best, and
what other answers say against them is noise. 25 kept less, 1,000 the same (SUPPORT2, ε = 1)."""
STRAIGHT = 0.008
"""Noise of a second moment above which the squares of ranks cost more than they tell."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What is asked, and how soft rows are fitted.

    Attributes:
        rows: R, soft rows.
        bins: Most bins of a variable; 0 chooses from n and the noise.
        one_way_share: Share of the budget for histograms.
        mass_share: Share for the masses of bins.
        moment_share: Share for second moments.
        effect_share: Share for what a trial's arm does to its endpoint, where that is declared.
        attendance_share: Share for who missed which visit, where whole visits are missed.
        survival_share: Share for times with their events, where they are declared.
        table_share: Share for tables of pairs and for choosing them, where any are bought.
        pairs_per_variable: Most pair tables, per variable; how many are bought follows from n·ε.
        steps: Optimiser steps after each bought table; eight times as many before the first, and
            four times as many whenever that is given back what the clip took.
        final_steps: Optimiser steps at the end.
        learning_rate: Adam's.
    """

    rows: int = 2_000
    bins: int = 0
    one_way_share: float = 0.35
    mass_share: float = 0.35
    moment_share: float = 0.3
    effect_share: float = 0.15
    attendance_share: float = 0.25
    survival_share: float = 0.15
    table_share: float = 0.3
    pairs_per_variable: float = 1.7
    steps: int = 30
    final_steps: int = 600
    learning_rate: float = 0.1


CHOICE_SHARE = 0.1
"""Of what pair tables cost, the part for choosing them."""
SUMS = 3
"""Answers before the first pair table: one-way, masses, moments."""
SHARPENED = 4
"""Turns of the last fit before each of which rows are made surer of themselves, where the table of
every pair was bought (up to four columns). What a row leaves open is drawn anew for every patient,
and that luck adds to every table (grid at ε = 10: `tvd2` 0.075 before, 0.066 after, 0.063 both
times in 20 times as many patients). Elsewhere what rows leave open keeps them from following noise:
SUPPORT2 at ε = 1 0.079 with open rows and 0.082 with sure ones, adult 0.027 and 0.029."""
GIVEN_BACK = 4
"""Rounds of giving back what clipping took."""
PATIENTS = 20_000
"""Drawn in each of them."""


def questions(
    schema: Schema, fit: Fit, *, n: int, budget: Budget, share: float = 1.0
) -> list[Question]:
    """Histograms, masses, moments, and pair tables where n·ε allows; `share` of the budget."""
    rounds = pairs_planned(schema, fit.pairs_per_variable, n=n, budget=budget)
    sums = share * (1 - fit.table_share if rounds else 1.0)
    effect = fit.effect_share if schema.trial and schema.trial.endpoint else 0.0
    followed = followup.questions(
        schema, attendance=sums * fit.attendance_share, survival=sums * fit.survival_share
    )
    asked_alone, sums = sums * effect, sums * (1 - effect) - sum(q.share for q in followed)
    asked: list[Question] = [
        Histograms(tables=tables_of(schema), share=sums * fit.one_way_share),
        Moments(name="masses", share=sums * fit.mass_share),
    ]
    if len(schema.modelled) > 1:
        asked.append(Moments(name="moments", share=sums * fit.moment_share))
    asked += followed
    if effect:
        asked.append(Moments(name="effect", share=asked_alone))
    if rounds:
        paid = share * fit.table_share
        asked.append(Choices(count=rounds, share=paid * CHOICE_SHARE))
        asked.append(Marginals(count=rounds, share=paid * (1 - CHOICE_SHARE)))
    return asked


def bought(
    vault: Vault, n: int, fit: Fit, generator: torch.Generator, watch: Callable[[int, int], None]
) -> Population:
    """Ask the vault what `questions` planned, and fit soft rows to the answers.

    Args:
        vault: Its plan holds the questions of `fit`.
        n: Number of patients, public or bought.
        fit: How.
        generator: For the rows' first values.
        watch: Told (rounds done, rounds in all).
    """
    planned = {q.name: q.count for q in vault.lease.plan.questions}
    rounds = planned.get("marginal", 0)
    whole = SUMS + rounds + 1
    known = _masses(vault, n, fit, lambda k: watch(k, whole))
    bins = known.bins
    sd = planned_noise(vault, "marginal") if rounds else 0.0
    coarse = Bins(bins.variables, bins.p, bins_for(n, sd), finer=bins) if rounds else None
    soft = SoftRows(bins, rows=fit.rows, generator=generator, coarse=coarse)
    soft.measure_one_ways(weight=FIRM * (n / max(known.sd, 1.0)) ** 2)
    for rule in vault.schema.constraints:
        if len(rule.columns) == 2 and not rule.derived:
            soft.forbid(*rule.columns, forbidden(rule, bins))
    for a, b, table in followup.impossible(vault.schema, bins):
        soft.forbid(a, b, table)
    for ending in known.endings:
        vectors = ending.bands(ending.names[0]), ending.bands(ending.names[1])
        soft.measure_product(ending.names, vectors, ending.table, 1 / max(ending.sd, 1 / n) ** 2)
    if "moments" in planned:
        pairs = _moments(vault, n, bins.p)
        soft.measure_moments(pairs.embedding, pairs.F, pairs.weight)
        if "effect" in planned:
            _effect(vault, n, bins.p, soft)
        soft.fit(8 * fit.steps, lr=fit.learning_rate)
        if vault.private:  # otherwise nothing was clipped
            seed = int(torch.randint(2**62, (), generator=generator))
            draw = np.random.default_rng(seed)
            bins = _given_back(vault.schema, n, fit, soft, known, pairs, draw)
    watch(SUMS, whole)
    if coarse is not None:
        _tables(vault, n, fit, soft, coarse, lambda k: watch(SUMS + k, whole))
    _settle(soft, fit, sure=rounds == pairs_possible(vault.schema))
    watch(whole, whole)
    rows = soft.memberships()
    order = alike(np.concatenate(list(rows.values()), axis=1))
    return Population(bins.p, bins.group, {name: p[order] for name, p in rows.items()}, known.peak)


def _settle(soft: SoftRows, fit: Fit, *, sure: bool) -> None:
    """The last fit; where rows can be sure, in turns."""
    turns = SHARPENED if sure else 1
    for _ in range(turns):
        if sure:
            soft.sharpen()
        soft.fit(fit.final_steps // turns, lr=fit.learning_rate, decay=True)


@dataclass(frozen=True, kw_only=True)
class Masses:
    """What is known of each variable by itself, after all looks.

    Attributes:
        asked: Bins that were looked at.
        embedding: The patients' vectors that were summed.
        bins: Of the distributions that came of it.
        apart: Variables that another answer has put right since.
        endings: Times with their events.
        peak: Share at the roundest point of each fine cell.
        sd: Noise on the mass of a bin, in patients.
    """

    asked: Bins
    embedding: Embedding
    bins: Bins
    apart: frozenset[str]
    endings: Sequence[followup.Ending]
    peak: Mapping[str, Probabilities]
    sd: float


def _masses(vault: Vault, n: int, fit: Fit, watch: Callable[[int], None]) -> Masses:
    """Buy histograms, masses, and what follows patients up."""
    variables = vault.schema.variables
    answers = vault.one_way()
    watch(1)
    p: followup.Known = distributions(vault.schema, answers, n)
    sigma = planned_noise(vault, "masses")
    most = fit.bins or bins_for(n, sigma * sqrt(len(variables)), per_table=1)
    asked = Bins(variables, p, most)
    embedding = masses(asked, noise=sigma / n)
    answer = vault.mean(embedding, name="masses")
    watch(2)
    sd = answer.sd / embedding.unit
    told = corrected(asked, embedding.split(answer.counts), dict.fromkeys(asked.sizes, sd), n)
    p, planned = told, {q.name for q in vault.lease.plan.questions}
    endings: Sequence[followup.Ending] = ()
    if "attendance" in planned:
        p = followup.attended(vault, n, p)
    if "survival" in planned:
        p, endings = followup.survived(vault, n, p)
    return Masses(
        asked=asked, embedding=embedding, bins=Bins(variables, p, most),
        apart=frozenset(name for name in p if p[name] is not told[name]),
        endings=endings, peak=all_peaks(vault.schema, answers), sd=sd,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Together:
    """How every two variables go together.

    Attributes:
        embedding: The patients' vectors whose products were summed.
        F: Second moments, unscaled, (d, d).
        weight: Of each in the fit.
    """

    embedding: Embedding
    F: NDArray[np.float64]
    weight: float


def _moments(vault: Vault, n: int, p: Mapping[str, Probabilities]) -> Together:
    """Buy second moments."""
    variables, sigma = vault.schema.variables, planned_noise(vault, "moments")
    weights = emphasis(vault.schema)
    embedding = correlates(variables, p, weights, curved=False, noise=sigma / n)
    if _noise(embedding, sigma, n) < STRAIGHT:
        embedding = correlates(variables, p, weights, curved=True, noise=sigma / n)
    answer = vault.second_moments(embedding, name="moments")
    sd = _noise(embedding, sigma, n)
    scale = np.array([weights[variables[k].name] for k in embedding.owner])
    F = denoised(answer.counts / (n * embedding.unit**2), sd, embedding.owner, scale)
    return Together(embedding=embedding, F=F, weight=1 / max(sd, 1 / n) ** 2)


def _given_back(
    schema: Schema, n: int, fit: Fit, soft: SoftRows, known: Masses, pairs: Together,
    draw: np.random.Generator,
) -> Bins:  # fmt: skip
    """Fit soft rows to p and F with what clipping took from them; the bins with p so mended."""
    told, bins, F = known.bins.p, known.bins, pairs.F
    asked, exact = known.asked.holding(told), dict.fromkeys(known.asked.sizes, 0.0)
    for _ in range(GIVEN_BACK):
        population = Population(bins.p, bins.group, soft.memberships(), known.peak)
        rows = population.draw(schema, PATIENTS, {}, draw)
        lost = known.embedding.split(n * lost_means(known.embedding, rows))
        mended = corrected(asked, lost, exact, n)
        bins = bins.holding(mended | {name: told[name] for name in known.apart})
        soft.expect(bins)
        lost_F = lost_products(pairs.embedding, rows) / pairs.embedding.unit**2
        soft.measure_moments(pairs.embedding, F + lost_F, pairs.weight)
        soft.fit(4 * fit.steps, lr=fit.learning_rate)
    return bins


def _effect(vault: Vault, n: int, p: Mapping[str, Probabilities], soft: SoftRows) -> None:
    """Buy what the arm does to the endpoint and add it to what is fitted."""
    trial, variables = vault.schema.trial, {v.name: v for v in vault.schema.variables}
    assert trial is not None
    arm, endpoint = variables[trial.arm], variables[trial.endpoint]
    contrast = Contrast(arm, p[arm.name], endpoint, p[endpoint.name])
    answer = vault.mean(contrast, name="effect")
    sd = answer.sd / (n * contrast.unit)
    told = answer.counts[:, None] / (n * contrast.unit)
    vectors = contrast.arm, contrast.endpoint
    soft.measure_product(contrast.names, vectors, told, 1 / max(sd, 1 / n) ** 2)


def _noise(embedding: Embedding, sigma: float, n: int) -> float:
    """Standard deviation of a mean second moment's noise, unscaled."""
    return sigma / sqrt(2) / (n * embedding.unit**2)


def _tables(
    vault: Vault, n: int, fit: Fit, soft: SoftRows, coarse: Bins, watch: Callable[[int], None]
) -> None:
    """Rounds of choose, buy, fit."""
    names, sd = list(coarse.sizes), planned_noise(vault, "marginal")
    weights = pair_weights(vault.schema, names)
    sizes = np.array(list(coarse.sizes.values()), dtype=float)
    noise: NDArray[np.float64] = sqrt(2 / np.pi) * sd * np.outer(sizes, sizes)
    rounds = vault.lease.plan.question("marginal").count
    for k in range(rounds):
        implied = soft.all_pairs()
        i, j = vault.choose(n * implied, binning=coarse, weights=weights, offsets=weights * noise)
        weights[i, j] = 0.0
        a, b = names[i], names[j]
        table = shrunk(vault.marginal((a, b), coarse), coarse.block(implied, a, b), n)
        soft.measure(a, b, table, (n / max(sd, 1.0)) ** 2)
        soft.fit(fit.steps, lr=fit.learning_rate)
        watch(k + 1)
