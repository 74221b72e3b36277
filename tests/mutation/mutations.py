"""Mistakes that would break the promise, each as a small change of our own source.

A mutation is killed if the named tests pass on the source as it is and fail on the changed copy.
`old` must occur exactly once in its file, so a mutation that no longer fits is noticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

GRADIENT = "tests/unit/vault/test_gradient_release.py"
VAULT = "tests/unit/vault/test_vault.py"
CLIPPING = "tests/unit/vault/test_clipping.py"
FACTS = "tests/unit/vault/test_facts_release.py"
MOMENTS = "tests/unit/vault/test_moments.py"
NOISE = "tests/statistical/test_noise.py"
PRICES = "tests/unit/privacy/test_prices.py"
ACCOUNT = "tests/unit/privacy/test_accountant.py"
PLAN = "tests/unit/privacy/test_plan.py"
ACGAN = "tests/unit/models/test_acgan.py"
MODEL = "tests/contract/test_privacy.py"
CANARY = "tests/unit/audit/test_canary.py"

REPLAY = f"{MODEL}::test_with_made_up_answers_unrelated_tables_give_the_same_bytes"
CGAN_REPLAY = f"{REPLAY}[medical-cgan without anchor]"
SQUARES_REPLAY = f"{REPLAY}[tablegan without anchor]"
CTGAN_REPLAY = f"{REPLAY}[ctgan without anchor]"
CODES = "tests/unit/models/test_medgan.py"
CODES_REPLAY = f"{REPLAY}[medgan without anchor]"
COUPLED = f"{MODEL}::test_a_hostile_patient_moves_no_mechanism_further_than_priced"
CTGAN_COUPLED = f"{COUPLED}[ctgan without anchor-last cells, all codes]"
RARITY = "tests/unit/models/test_ctgan.py::test_weights_of_rare_categories_follow_answers_alone"
DOZEN = (
    "tests/unit/models/test_ctgan.py"
    "::test_among_a_dozen_one_more_patient_moves_nobody_elses_gradient"
)
CHARGED = f"{GRADIENT}::test_every_answer_is_charged_once_and_hidden_by_the_planned_noise"
REFUSED = f"{GRADIENT}::test_what_is_used_up_is_refused_before_anybody_is_looked_at"
SCALE = f"{GRADIENT}::test_noise_is_sigma_times_c_divided_by_the_planned_batch"
CLIP = f"{GRADIENT}::test_everybody_is_clipped_to_c_before_the_sum"
BATCH = f"{GRADIENT}::test_each_step_draws_a_fresh_poisson_batch"
DOOR = "tests/unit/doors/test_mimic.py"
EVENTS = "tests/unit/doors/test_events.py"
EMPTY = f"{GRADIENT}::test_when_nobody_comes_padding_counts_for_nothing_and_noise_is_released"
DIVISOR = f"{GRADIENT}::test_a_sum_is_divided_by_the_planned_batch_whoever_came"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One mistake.

    Attributes:
        name: What went wrong.
        file: Below src/wardveil.
        old: Text of the file, there exactly once.
        new: What stands there instead.
        killed_by: Tests, one of which must fail.
    """

    name: str
    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]


def inside(file: str, *changes: tuple[str, str, str, str]) -> Iterator[Mutation]:
    """Mutations of one file: (name, old, new, killed by)."""
    for name, old, new, test in changes:
        yield Mutation(name=name, file=file, old=old, new=new, killed_by=(test,))


LATTICE = "self._noise.lattice(flat, sd) / mean_batch"
SUM = """total = clipped_sum(unit(batch), clip_norm=CLIP_MARGIN * mechanism.clip_norm, keep=keep)"""
COINS = "coins = self._noise.uniforms(self._n)"
CHOSEN = "chosen = np.flatnonzero(coins < mechanism.sampling_prob)"
FOLLOWED = "tests/unit/networks/test_followup.py"
FOLLOWED_REPLAY = f"{FOLLOWED}::test_what_is_learnt_of_follow_up_is_a_function_of_the_answers"
FOLLOWED_ALONE = (
    f"{FOLLOWED}::test_a_visit_is_missed_when_all_its_measures_are_and_nobody_is_longer_than_1"
)
GRADIENT_CHARGE = """        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, SampledGaussian)
        chosen = self._batch(mechanism)
"""
CHOICE = """        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Choice)
        scores, pairs = self._scores(expected, binning, weights, offsets)
        declared = SCORE_MARGIN * float(weights.max())
        winner = self._noise.select(scores, declared, mechanism.epsilon)
"""
PREFERENCE = """        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Choice)
        totals, left"""

RELEASE = inside(
    "vault/vault.py",
    # noise
    ("gradient without noise", LATTICE, "flat / mean_batch", f"{SCALE}[0.25]"),
    ("noise divided by the batch twice", LATTICE,
     "self._noise.lattice(flat, sd / mean_batch) / mean_batch", f"{SCALE}[0.25]"),
    ("sum divided before noise of another unit is added", LATTICE,
     "self._noise.lattice(flat / mean_batch, sd)", DIVISOR),
    ("noise without the clip norm", "sd = mechanism.noise_multiplier * mechanism.clip_norm",
     "sd = mechanism.noise_multiplier", f"{SCALE}[4.0]"),
    ("noise left out of an empty batch", LATTICE,
     "(self._noise.lattice(flat, sd) if len(chosen) else flat) / mean_batch",
     EMPTY),
    ("histograms without noise",
     "flat = self._noise.counts(np.concatenate(list(exact.values())), mechanism.sd)",
     "flat = np.concatenate(list(exact.values()))", f"{CHARGED}[one-way]"),
    ("pair tables without noise", "noisy = self._noise.counts(exact, mechanism.sd)",
     "noisy = exact", f"{CHARGED}[marginal]"),
    ("pair tables with half the noise", "noisy = self._noise.counts(exact, mechanism.sd)",
     "noisy = self._noise.counts(exact, mechanism.sd / 2)", f"{CHARGED}[marginal]"),
    ("sums without noise",
     "return self._noise.lattice(torch.from_numpy(total), sigma).numpy()", "return total",
     f"{CHARGED}[masses]"),
    ("sums with half the noise",
     "return self._noise.lattice(torch.from_numpy(total), sigma).numpy()",
     "return self._noise.lattice(torch.from_numpy(total), sigma / 2).numpy()",
     f"{CHARGED}[moments]"),
    ("sums are not charged",
     "        self.lease.charge(name)\n        if not self.private:\n            return 0.0\n",
     "        if not self.private:\n            return 0.0\n", f"{CHARGED}[masses]"),
    ("every pair of coordinates is told twice",
     "weight = np.where(upper[0] == upper[1], 1.0, sqrt(2))",
     "weight = np.where(upper[0] == upper[1], 1.0, 2.0)",
     f"{MOMENTS}::test_second_moments_are_symmetric_and_told_once"),
    ("the number of patients without noise",
     "return max(2, self._noise.laplace(self._n, mechanism.epsilon))",
     "return self._n", f"{CHARGED}[size]"),
    # clip
    ("clip after averaging", SUM,
     "total = clipped_sum(unit(batch), clip_norm=float('inf'), keep=keep)\n"
     "        length = torch.sqrt(sum((g**2).sum() for p in total.gradients for g in p.values()))\n"
     "        for part in total.gradients:\n"
     "            for g in part.values():\n"
     "                g *= (mechanism.clip_norm / length).clamp(max=1)", f"{CLIP}[0.25]"),
    ("no clip", SUM, "total = clipped_sum(unit(batch), clip_norm=1e30, keep=keep)",
     f"{GRADIENT}::test_no_patient_moves_the_sum_further_than_c[1000000000.0]"),
    ("clip above the declared norm", "CLIP_MARGIN = 0.99", "CLIP_MARGIN = 1.2",
     f"{CLIP}[0.25]"),
    ("padding counts", SUM,
     "total = clipped_sum(unit(batch), clip_norm=CLIP_MARGIN * mechanism.clip_norm)",
     EMPTY),
    # batch
    ("batches of fixed size", CHOSEN,
     "chosen = np.sort(np.argsort(coins)[: round(mechanism.sampling_prob * self._n)])", BATCH),
    ("the same patients in every batch", CHOSEN,
     "chosen = np.arange(round(mechanism.sampling_prob * self._n))", BATCH),
    ("sampler seeded anew each step", COINS, "coins = np.random.default_rng(0).random(self._n)",
     BATCH),
    ("one batch for several steps", "chosen = self._batch(mechanism)",
     "step = self.lease.used[name] - 1\n"
     "        self._kept = self._batch(mechanism) if step % 5 == 0 else self._kept\n"
     "        chosen = self._kept", BATCH),
    ("some patients are drawn more often", CHOSEN,
     "chosen = np.flatnonzero(coins < mechanism.sampling_prob"
     " * np.where(np.arange(self._n) % 4 == 0, 1.6, 0.8))", BATCH),
    ("a full batch keeps the first of the table",
     "chosen = np.sort(chosen[lowest[: mechanism.batch_limit]])",
     "chosen = chosen[: mechanism.batch_limit]",
     f"{GRADIENT}::test_a_batch_beyond_the_limit_is_cut_at_random"),
    ("the batch's shape tells its size", "mechanism.batch_limit, matrix.shape[1])",
     "len(chosen), matrix.shape[1])",
     f"{GRADIENT}::test_places_in_a_batch_say_nothing_of_who_else_is_in_it"),
    ("draws follow a patient's rank in the batch",
     "torch.from_numpy(self._noise.permutation(len(batch))[: len(chosen)])",
     "torch.arange(len(chosen))",
     f"{GRADIENT}::test_places_in_a_batch_say_nothing_of_who_else_is_in_it"),
    ("divided by the batch's own size",
     "mean_batch = mechanism.sampling_prob * mechanism.patients",
     "mean_batch = max(len(chosen), 1)", DIVISOR),
    ("divided by the table's own number of patients",
     "mean_batch = mechanism.sampling_prob * mechanism.patients",
     "mean_batch = mechanism.sampling_prob * self._n", CGAN_REPLAY),
    ("batch limit from the table's own number of patients",
     "mechanism.batch_limit, matrix.shape[1])", "self._n, matrix.shape[1])", CGAN_REPLAY),
    ("rate from the table's own number of patients", CHOSEN,
     "chosen = np.flatnonzero(coins < min(1.0, 16 / self._n))", BATCH),
    # tables and choices
    ("codes of a patient are not limited", "self._rows = keep_first_codes(rows, schema)",
     "self._rows = rows", f"{COUPLED}[independent-last cells, all codes]"),
    ("a choice declares sensitivity 1 where weights are 2",
     "declared = SCORE_MARGIN * float(weights.max())", "declared = SCORE_MARGIN",
     f"{CHARGED}[choice]"),
    ("a choice without noise",
     "winner = self._noise.select(scores, declared, mechanism.epsilon)",
     "winner = int(np.argmax(scores))", f"{CHARGED}[choice]"),
    ("a choice at twice its price",
     "winner = self._noise.select(scores, declared, mechanism.epsilon)",
     "winner = self._noise.select(scores, declared, 2 * mechanism.epsilon)",
     f"{CHARGED}[choice]"),
    ("a preference without noise",
     "int(left[self._noise.select(totals, SCORE_MARGIN, mechanism.epsilon)])",
     "int(left[int(np.argmax(totals))])", f"{CHARGED}[generator]"),
    ("a patient's preference has no bound", ".nan_to_num(0.0, 0.0, 0.0).clamp(0, 1)",
     ".nan_to_num(0.0, 0.0, 0.0)",
     f"{VAULT}::test_a_patient_speaks_for_a_candidate_by_at_most_one"),
    ("a preference is not charged", PREFERENCE,
     PREFERENCE.replace("        self.lease.charge(name)\n", ""), f"{CHARGED}[generator]"),
    # charge
    ("gradients are not charged", GRADIENT_CHARGE,
     GRADIENT_CHARGE.replace("        self.lease.charge(name)\n", ""), f"{CHARGED}[gradient]"),
    ("a choice is charged after it is made", CHOICE,
     CHOICE.replace("        self.lease.charge(name)\n", "") + "        self.lease.charge(name)\n",
     f"{REFUSED}[choice]"),
    ("the number of patients is told by an error", "and the table holds another number.",
     "and the table holds {self._n}.",
     f"{GRADIENT}::test_a_bought_size_is_not_told_by_the_error"),
)  # fmt: skip

SOURCES = inside(
    "vault/noise.py",
    ("one number of noise for all coordinates", "self.normals(total.numel())",
     "np.full(total.numel(), self.normals(1)[0])",
     f"{NOISE}::test_the_lattice_carries_the_planned_noise_and_not_another"),
    ("the same noise at every step", "self._drawn += 1", "self._drawn = 1",
     f"{NOISE}::test_batches_of_different_steps_are_independent"),
    ("a fixed key in release grade", "super().__init__(os.urandom(32))",
     "super().__init__(bytes(32))", f"{NOISE}::test_secret_noise_cannot_be_repeated"),
    ("noise from a global seed", "super().__init__(os.urandom(32))",
     "super().__init__(np.random.bytes(32))", f"{NOISE}::test_secret_noise_cannot_be_repeated"),
    ("one patient more shifts the coins of others",
     "numbers = words.astype(np.float64)", "numbers = words[::-1].astype(np.float64)",
     f"{NOISE}::test_one_patient_more_shifts_nobody_elses_coin"),
    ("lattice without noise",
     "((steps + noise.view_as(steps).to(steps.device)).double() * g)", "(steps.double() * g)",
     f"{NOISE}::test_the_lattice_carries_the_planned_noise_and_not_another"),
    ("lattice of the wrong step", "g = sd * LATTICE", "g = sd * LATTICE / 2",
     f"{NOISE}::test_the_lattice_carries_the_planned_noise_and_not_another"),
    ("a sum that is not put on the lattice",
     "((steps + noise.view_as(steps).to(steps.device)).double() * g)",
     "(total.double() + noise.view_as(steps).to(steps.device).double() * g)",
     f"{NOISE}::test_the_lattice_has_the_same_support_whatever_the_sum"),
    ("half the noise on counts", "make_gaussian(*space, scale=sd)",
     "make_gaussian(*space, scale=sd / 2)",
     f"{NOISE}::test_counts_get_discrete_gaussian_noise_and_not_another[release]"),
    ("half the noise on the size", "make_laplace(*space, scale=1 / epsilon)",
     "make_laplace(*space, scale=0.5 / epsilon)",
     f"{NOISE}::test_the_size_gets_laplace_noise[release]"),
    ("half the Gumbel noise", "scale=2 * sensitivity / epsilon\n",
     "scale=sensitivity / epsilon\n",
     f"{NOISE}::test_selection_follows_the_exponential_mechanism[release]"),
    ("seeded noise passes for secret", 'grade: Grade = "seeded"', 'grade: Grade = "release"',
     f"{MODEL}::test_a_run_whose_noise_can_be_computed_again_claims_nothing"),
)  # fmt: skip

CUT = "(clip_norm / (square + slack).sqrt())"
UNITS = f"{CLIPPING}::test_sum_and_norms_are_those_of_vmap"

CLIPPED = chain(
    inside(
        "vault/clipping.py",
        ("clip norm adapts to raw norms", CUT, "(square.sqrt().median() / square.sqrt())",
         f"{CLIP}[0.25]"),
        ("each network is clipped by itself",
         "square, slack = square + s / part.scale**2, slack + e / part.scale**2",
         "square, slack = torch.maximum(square, s / part.scale**2), slack",
         f"{CLIPPING}::test_two_networks_are_one_vector"),
        ("rounding of a norm is forgotten", CUT, "(clip_norm / square.sqrt())",
         f"{CLIPPING}::test_a_unit_whose_terms_cancel_is_still_clipped"),
        ("gradient penalty outside the clipped unit", "s, e = pieces[-1].squared_norms()",
         "bare = Part(**{**vars(part), 'penalty': None})\n"
         "        s, e = unit_gradients(bare).squared_norms()",
         UNITS),
        ("fakes outside the clipped unit", "s, e = pieces[-1].squared_norms()",
         "fakes = [torch.zeros_like(x) for x in part.inputs[1:]]\n"
         "        bare = Part(**{**vars(part), 'inputs': (part.inputs[0], *fakes)})\n"
         "        s, e = unit_gradients(bare).squared_norms()",
         UNITS),
        ("what is not finite goes through", "finite = square.isfinite()",
         "finite = torch.ones_like(square, dtype=torch.bool)",
         f"{GRADIENT}::test_no_patient_moves_the_sum_further_than_c[nan]"),
        ("reduced precision is let through",
         'if torch.get_float32_matmul_precision() != "highest":', "if False:",
         f"{CLIPPING}::test_reduced_precision_is_refused"),
        ("networks are not examined", "        admit(part)\n", "",
         f"{CLIPPING}::test_networks_that_do_not_keep_rows_apart_are_refused"),
    ),
    inside(
        "vault/factors.py",
        ("each layer is clipped by itself",
         "return sum(square, start=none), sum(slack, start=none)",
         "return torch.stack(square).amax(0), sum(slack, start=none)", UNITS),
        ("a norm forgets products between rows of a unit",
         "return product.sum((1, 2)), rounding",
         "return product.diagonal(dim1=1, dim2=2).sum(1), rounding", UNITS),
    ),
    inside(
        "vault/backward.py",
        ("a penalty's share of the gradient is dropped",
         "    _add(calls[n], delta[n], t, _fold(calls[n], part.units, k), pieces)",
         "    pass", UNITS),
    ),
    inside(
        "vault/layers.py",
        ("biases are left out of the unit",
         "        pieces.add_rows(layer.bias, _over_positions(delta), fold)", "        pass",
         UNITS),
    ),
    inside(
        "vault/probe.py",
        ("row-mixing layers are not refused by type", "    _refuse_types(part.network)\n", "",
         f"{CLIPPING}::test_networks_that_do_not_keep_rows_apart_are_refused"),
        ("row-mixing outputs are not noticed", "*_mixed_outputs(part), ", "",
         f"{CLIPPING}::test_networks_that_do_not_keep_rows_apart_are_refused"),
        ("row-mixing losses are not noticed", "*_mixed_losses(part), ", "",
         f"{CLIPPING}::test_losses_that_mix_rows_are_refused"),
        ("parameters out of sight are not noticed", ", *_unseen_parameters(part)]", "]",
         f"{CLIPPING}::test_networks_that_do_not_keep_rows_apart_are_refused"),
    ),
    inside(
        "networks/mlp.py",
        ("batch normalisation in the critic",
         "layers += [nn.Linear(inputs, width), nn.LeakyReLU(SLOPE), nn.Dropout(dropout)]",
         "layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.LeakyReLU(SLOPE)]",
         CGAN_REPLAY),
    ),
)  # fmt: skip

BOUGHT = chain(
    inside(
        "vault/statistics.py",
        ("several codes of a patient are priced as one table",
         'c.max_codes if c.kind == "codes" else 1', "1",
         f"{COUPLED}[independent-last cells, all codes]"),
        ("a missing list of codes may hold codes",
         "allowed &= (rows[missing_name(column.name)] == 0)[:, None]", "pass",
         f"{COUPLED}[independent-absent, all codes]"),
    ),
    inside(
        "vault/facts.py",
        ("levels without noise", "noisy = noise.counts(counts.astype(np.int64), mechanism.sd)",
         "noisy = counts", f"{FACTS}::test_counts_are_hidden_by_the_planned_noise_and_move_by_one"),
        ("levels above zero are shown", "if c > mechanism.threshold]", "if c > 0]",
         f"{FACTS}::test_a_level_of_one_patient_is_never_shown"),
        ("bounds without noise", "noisy = noise.counts(exact, bounds.sd)", "noisy = exact",
         f"{FACTS}::test_counts_are_hidden_by_the_planned_noise_and_move_by_one"),
        ("bounds follow the extremes", "inhabited = np.flatnonzero(counts > visible)",
         "inhabited = np.flatnonzero(counts > 0)",
         f"{FACTS}::test_a_bound_does_not_follow_one_patient"),
        ("missing values are read off the table", "**facts, nullable=True,",
         "**facts, nullable=bool(sum(v is None or v != v for v in table.raw[name])),",
         f"{FACTS}::test_whether_anybody_is_missing_does_not_show"),
        ("bounds are not charged", '        lease.charge("bounds")\n', "",
         f"{FACTS}::test_a_level_of_one_patient_is_never_shown"),
    ),
)  # fmt: skip

IMPORTED = chain(
    inside(
        "doors/mimic.py",
        ("columns are the codes that patients have",
         'require_file(root, "D_ICD_DIAGNOSES"), ["ICD9_CODE"]',
         'require_file(root, "DIAGNOSES_ICD"), ["ICD9_CODE"]',
         f"{DOOR}::test_the_schema_is_the_same_whoever_the_patients_are"),
    ),
    inside(
        "doors/declared.py",
        ("a limit nobody declared", "high = float(most) if most else None",
         "high = float(most or 9)",
         f"{DOOR}::test_the_schema_is_the_same_whoever_the_patients_are"),
    ),
    inside(
        "doors/imported.py",
        ("the number of patients is written into the schema", "for c in b.columns), trial=trial)",
         "for c in b.columns), trial=trial, rows=len(blocks[0].values[0]))",
         f"{DOOR}::test_the_schema_is_the_same_whoever_the_patients_are"),
    ),
    inside(
        "doors/baseline.py",
        ("dates of a baseline leave", 'c.modelled and c.kind != "date"', "c.modelled",
         f"{EVENTS}::test_a_baseline_keeps_its_patients_and_loses_what_names_them"),
    ),
    inside(
        "doors/long.py",
        ("later events count", "timed &= when <= long.until", "pass",
         f"{EVENTS}::test_later_events_and_those_without_a_time_are_left_out"),
    ),
)  # fmt: skip

PRICED = chain(
    inside(
        "privacy/mechanism.py",
        ("one table is priced where a patient is in many", "k = self.tables * self.count",
         "k = self.count", f"{PRICES}::test_tables_and_releases_add_up"),
        ("one release is priced where there are many",
         "return sqrt(self.tables * self.count) / self.sd", "return sqrt(self.tables) / self.sd",
         f"{PRICES}::test_tables_and_releases_add_up"),
        ("a threshold that fails for free",
         "return float(self.count * norm.sf((self.threshold - 1.5) / self.sd))", "return 0.0",
         f"{ACCOUNT}::test_the_threshold_is_charged_to_delta"),
        ("one step fewer in PLD",
         "return one.self_compose(self.count)\n\n    def cut_loss",
         "return one.self_compose(max(self.count - 1, 1))\n\n    def cut_loss",
         f"{PRICES}::test_three_uses_cost_as_much_as_the_use_three_times[sampled]"),
        ("one step is priced where batches are cut",
         "return one.self_compose(self.count)\n\n    def event",
         "return one\n\n    def event",
         f"{ACCOUNT}::test_a_batch_limit_that_bites_costs_more"),
        ("one step fewer in RDP", "return dpa.SelfComposedDpEvent(step, self.count)",
         "return dpa.SelfComposedDpEvent(step, max(self.count - 1, 1))",
         f"{PRICES}::test_three_uses_cost_as_much_as_the_use_three_times[sampled]"),
        ("one step is priced for all of full batches", "self.noise_multiplier / sqrt(self.count)",
         "self.noise_multiplier",
         f"{PRICES}::test_three_uses_cost_as_much_as_the_use_three_times[full]"),
        ("a wrong rate in PLD", "            sampling_prob=self.sampling_prob,\n",
         "            sampling_prob=self.sampling_prob / 2,\n",
         f"{ACCOUNT}::test_sampled_gaussian_agrees_with_an_independent_accountant"),
        ("a wrong rate in PLD where batches are cut", "sampling_probability=self.sampling_prob,",
         "sampling_probability=self.sampling_prob / 2,",
         f"{ACCOUNT}::test_a_batch_limit_that_bites_costs_more"),
        ("a rate that is not used in RDP", "            self.sampling_prob, dpa.Gaussian",
         "            0.2, dpa.Gaussian",
         f"{PRICES}::test_a_higher_rate_costs_more_in_both_accounts"),
        ("cut batches are priced as whole ones", "truncated_batch_size=self.batch_limit",
         "truncated_batch_size=self.patients",
         f"{ACCOUNT}::test_a_batch_limit_that_bites_costs_more"),
        ("half the ε of a choice in PLD", "return sqrt(self.count) * mu_of_choice(self.epsilon)",
         "return sqrt(self.count) * mu_of_choice(self.epsilon / 2)",
         f"{PRICES}::test_a_choice_is_priced_at_its_whole_epsilon"),
        ("half the ε of a choice in RDP", "self.count * self.epsilon**2 / 8",
         "self.count * (self.epsilon / 2) ** 2 / 8",
         f"{PRICES}::test_a_choice_is_priced_at_its_whole_epsilon"),
    ),
    inside(
        "privacy/accountant.py",
        ("the larger of two bounds is stated", "epsilon=min(by_pld, by_rdp)",
         "epsilon=max(by_pld, by_rdp)",
         f"{ACCOUNT}::test_a_choice_costs_less_than_its_pure_epsilon"),
        ("batches that are cut are priced as if they were not",
         "return (1 + exp(min(epsilon, 700.0))) * cut <= KEPT * delta", "return True",
         f"{ACCOUNT}::test_a_batch_limit_that_bites_costs_more"),
        ("RDP forgets the threshold's δ", "by_rdp = _renyi(mechanisms, left)",
         "by_rdp = _renyi(mechanisms, delta)",
         f"{PRICES}::test_the_chance_that_a_threshold_fails_is_taken_from_delta"),
        ("PLD forgets the threshold's δ", "(1 - KEPT) * left)\n    if _uncut",
         "(1 - KEPT) * delta)\n    if _uncut",
         f"{PRICES}::test_the_chance_that_a_threshold_fails_is_taken_from_delta"),
    ),
    inside(
        "privacy/budget.py",
        ("δ may reach 1/n", "if delta > 1 / (10 * n):", "if delta > 1 / n:",
         f"{PLAN}::test_delta_must_stay_below_a_tenth_of_one_over_n"),
    ),
    inside(
        "privacy/lease.py",
        ("one use more than planned", "if self.used[name] >= planned:",
         "if self.used[name] > planned:",
         f"{PLAN}::test_a_lease_refuses_what_is_not_planned"),
        ("uses are not counted", "        self.used[name] += 1\n", "        pass\n",
         f"{PLAN}::test_a_lease_refuses_what_is_not_planned"),
        ("ε in progress lags behind", "-(-used // block) * block", "used // block * block",
         f"{PRICES}::test_epsilon_in_progress_covers_the_first_step"),
        ("the ledger is charged after a use is granted",
         "self.used[name] >= self._advanced[name]:", "self.used[name] > self._advanced[name]:",
         f"{PRICES}::test_the_ledger_is_charged_before_a_use_is_granted"),
    ),
    inside(
        "privacy/plan.py",
        ("noise below every limit is accepted", "m.noise_multiplier < SMALLEST_NOISE",
         "m.noise_multiplier < 0", f"{PLAN}::test_reckless_noise_is_refused"),
        ("given noise may cost more than the budget",
         "    _refuse_given(questions, budget)\n    given", "    given",
         f"{PLAN}::test_given_noise_is_kept_and_the_others_share_what_is_left"),
    ),
    inside(
        "privacy/question.py",
        ("given noise is made smaller", "sigma = self.noise_multiplier or",
         "sigma = (self.noise_multiplier or 0) / 2 or",
         f"{PLAN}::test_given_noise_is_kept_and_the_others_share_what_is_left"),
        ("batches are cut more often than δ pays for", "1e-9 * delta / self.count *",
         "1e-3 * delta / self.count *",
         f"{PLAN}::test_a_batch_limit_is_the_smallest_that_is_as_good_as_none"),
    ),
    inside(
        "models/acgan.py",
        ("restarts for free", "if own else self.private_steps) * self.restarts,",
         "if own else self.private_steps),",
         f"{ACGAN}::test_every_restart_and_every_choice_is_paid_for"),
        ("one choice is paid for, several are made",
         'Choices(name="generator", count=self.chosen', 'Choices(name="generator", count=1',
         f"{ACGAN}::test_every_restart_and_every_choice_is_paid_for"),
    ),
    inside(
        "privacy/statement.py",
        ("looked-at facts are hidden",
         'promised = not self.looked and self.noise == "release"',
         'promised = self.noise == "release"',
         f"{PLAN}::test_a_broken_promise_is_the_first_sentence"),
        ("a seeded run claims privacy",
         'promised = not self.looked and self.noise == "release"', "promised = not self.looked",
         f"{PLAN}::test_a_broken_promise_is_the_first_sentence"),
    ),
)  # fmt: skip

EXACT_ONE_WAY = """{
            k: __import__('wardveil.vault').vault.Answer(counts=h.astype(float), sd=0.0)
            for k, h in __import__('wardveil.vault.statistics').vault.statistics.histograms(
                vault._rows, vault.schema).items()
        }"""

SUMMED = inside(
    "vault/moments.py",
    ("sums of patients as long as they like", "    if limit is None:\n",
     "    if limit is not None:\n",
     f"{MOMENTS}::test_no_patient_moves_a_sum_further_than_the_limit"),
    ("products are clipped like vectors", "norm = (x**2).sum(axis=1) ** (power / 2)",
     "norm = (x**2).sum(axis=1) ** 0.5",
     f"{MOMENTS}::test_no_patient_moves_a_sum_further_than_the_limit"),
    ("a vector that is not finite counts",
     "yield x if finite.all() else np.where(finite[:, None], x, 0.0)", "yield x",
     f"{MOMENTS}::test_no_patient_moves_a_sum_further_than_the_limit"),
)  # fmt: skip

TRAINED = chain(
    inside(
        "models/independent.py",
        ("distributions from raw counts", "answers = vault.one_way()",
         f"answers = {EXACT_ONE_WAY}",
         f"{REPLAY}[independent]"),
        ("the table's own number of patients", "n = vault.count()", "n = vault._n",
         f"{REPLAY}[independent]"),
    ),
    inside(
        "models/medgan.py",
        ("frequencies of codes from raw rows",
         "p = distributions(vault.schema, vault.one_way(), n)",
         f"p = distributions(vault.schema, {EXACT_ONE_WAY}, n)", CODES_REPLAY),
        ("components of patients without noise",
         'told = vault.second_moments(rows, name="components")',
         "from wardveil.vault import Answer\n"
         "            from wardveil.vault.moments import clipped_products\n"
         "            exact = clipped_products(vault._rows, rows, None)\n"
         "            told = Answer(counts=exact, sd=0.0)", f"{REPLAY}[medgan of components]"),
        ("a private decoder behind an encoder that patients train",
         '            gradient = vault.gradient(unit, game.records, name="autoencoder")[0]\n',
         "            plain = game.records.dense(game.records.encode(vault._rows))\n"
         "            torch.autograd.backward((game.autoencoder(plain) - plain).square().mean())\n"
         "            torch.optim.SGD(game.autoencoder.encoder.parameters(), lr=1.0).step()\n"
         '            gradient = vault.gradient(unit, game.records, name="autoencoder")[0]\n',
         f"{COUPLED}[medgan with a private decoder-last cells, all codes]"),
        ("the mean of a batch of patients beside each of them",
         "rows = beside(x, mean), ", "rows = beside(x, x.mean(dim=0)), ",
         f"{COUPLED}[medgan without anchor-last cells, all codes]"),
        ("the autoencoder's gradient without noise",
         'gradient = vault.gradient(unit, game.records, name="autoencoder")[0]',
         "from wardveil.vault.clipping import mean_gradient\n"
         "            gradient = mean_gradient(unit(game.records.encode(vault._rows)))[0]",
         f"{REPLAY}[medgan without anchor]"),
    ),
    inside(
        "networks/autoencoder.py",
        ("private steps on an autoencoder that saw patients", "        if self.saw_rows:\n",
         "        if False:\n",
         f"{CODES}::test_a_private_step_on_a_plainly_trained_autoencoder_is_refused"),
    ),
    inside(
        "models/medgan_game.py",
        ("pretraining that leaves no mark", "A.saw_rows = A.saw_rows or not self._nobodys",
         "A.saw_rows = False",
         f"{CODES}::test_a_private_step_on_a_plainly_trained_autoencoder_is_refused"),
    ),
    inside(
        "models/medical_cgan.py",
        ("encoder built from raw rows", "p = distributions(vault.schema, vault.one_way(), n)",
         f"p = distributions(vault.schema, {EXACT_ONE_WAY}, n)", CGAN_REPLAY),
        ("frequencies of conditions from raw rows",
         'answer = vault.marginal(list(bins.sizes), bins, name="conditions")',
         "from wardveil.vault.statistics import table\n"
         "        from wardveil.vault import Answer\n"
         "        exact = table(vault._rows, list(bins.sizes), bins).astype(float)\n"
         "        answer = Answer(counts=exact, sd=0.0)", CGAN_REPLAY),
        ("fakes come from a generator that normalises the batch",
         "G.train(mode=not vault.private)", "G.train()", CGAN_REPLAY),
        ("fakes enter as a mean over the batch", "return real_loss + fake_loss\n",
         "return real_loss + fake_loss.mean()\n", CGAN_REPLAY),
        ("a generator step by the critic's loss on patients", "            loss_g = binary",
         "            adam.param_groups[0]['lr'] = 1e-3 * float(real_loss.detach().mean())\n"
         "            loss_g = binary", CGAN_REPLAY),
        ("training stops by the loss on patients", "            adam.step()\n            losses",
         "            adam.step()\n"
         "            if vault.private and t > float((real_loss.detach() > 0.69).sum()) % 3:\n"
         "                break\n            losses", CGAN_REPLAY),
        ("the best epoch is chosen by the loss on patients",
         "            adam.step()\n            losses",
         "            adam.step()\n"
         "            if vault.private and float(real_loss.detach().sum()) % 1 > 0.5:\n"
         "                page.best = {k: w.clone() for k, w in G.state_dict().items()}\n"
         "            if vault.private and t == steps - 1 and hasattr(page, 'best'):\n"
         "                G.load_state_dict(page.best)\n            losses", CGAN_REPLAY),
        ("losses on patients are shown", "shown = None if vault.private else losses",
         "shown = losses", CGAN_REPLAY),
    ),
    inside(
        "models/ctgan.py",
        ("modes from raw histograms", "answers = vault.one_way()",
         f"answers = {EXACT_ONE_WAY}", CTGAN_REPLAY),
        ("rows of modes are accepted to be like the patients", "wanted = seen.rows() if",
         "wanted = vault._rows if", f"{REPLAY}[ctgan]"),
        ("fakes of a step share the statistics of its conditions",
         "game.generator.eval()  #", "game.generator.train()  #", DOZEN),
        ("a patient's modes are drawn by its place in the table",
         'gradient = vault.gradient(unit, page.modes, name="critic")[0]',
         "drawn = type('Drawn', (), {})()\n"
         "            drawn.encode = lambda rows: page.modes.encode(rows, rng.numpy)\n"
         '            gradient = vault.gradient(unit, drawn, name="critic")[0]',
         f"{COUPLED}[ctgan-last cells, all codes]"),
        ("weights are relative to those of the batch", "else weight[at]",
         "else weight[at] / weight[at].sum() * len(at)", CTGAN_COUPLED),
        ("rare is what is rare among the patients themselves",
         "weight = page.rarity(self.most_weight)",
         "page.counts = __import__('torch').bincount((page.modes.encode(vault._rows)[:, :len("
         "page.modes.discrete)].long() + page.modes.starts[:len(page.modes.discrete)]).flatten(), "
         "minlength=page.modes.discrete_width).float()\n"
         "        weight = page.rarity(self.most_weight)", RARITY),
    ),
    inside(
        "models/tablegan.py",
        ("squares from raw histograms", "answers = vault.one_way()",
         f"answers = {EXACT_ONE_WAY}", SQUARES_REPLAY),
        ("rows are accepted to be like the patients", "wanted = seen.rows() if",
         "wanted = vault._rows if", f"{REPLAY}[tablegan]"),
        ("the classifier learns beside the vault",
         'gradients = vault.gradient(unit, matrix, name="critic")',
         'gradients = vault.gradient(unit, matrix, name="critic")\n'
         "            from wardveil.vault.clipping import mean_gradient\n"
         "            gradients[1] = mean_gradient(unit(matrix.encode(vault._rows)))[1]",
         SQUARES_REPLAY),
        ("the information loss follows the patients",
         "label, known = label_of(vault.schema), _known(matrix, rng)",
         "label, x = label_of(vault.schema), matrix.encode(vault._rows)\n"
         "        known = statistics_of(x.mean(dim=0), x.square().mean(dim=0))",
         SQUARES_REPLAY),
    ),
    inside(
        "models/tablegan_game.py",
        ("fakes are scored as a mean over the batch", "return of_fake - of_real\n",
         "return of_fake.mean() - of_real\n", SQUARES_REPLAY),
    ),
    inside(
        "encode/missed.py",
        ("who missed a visit is told relative to the others",
         "(gone.T - self.share)", "(gone.T - gone.mean(axis=1))", FOLLOWED_ALONE),
    ),
    inside(
        "networks/followup.py",
        ("bands of time from the patients themselves",
         "bins = Bins((time, event), found, most)",
         "found[time.name] = np.bincount(time.cell(vault._rows[time.name]), "
         "minlength=time.size) + 1e-9\n"
         "        bins = Bins((time, event), found, most)", FOLLOWED_REPLAY),
    ),
    inside(
        "encode/label.py",
        ("what a guess costs is relative to that of the others", "        return total\n",
         "        return total / total.mean()\n", SQUARES_REPLAY),
    ),
    inside(
        "networks/convolution.py",
        ("critic and classifier normalise over the batch", "nn.GroupNorm(_groups(width), width)",
         "nn.BatchNorm2d(width)", SQUARES_REPLAY),
        ("real rows go through a classifier that remembers them",
         "features: Tensor = self.body(self.square.of(x))",
         "x = x - 0.1 * x.mean(dim=0)\n        features: Tensor = self.body(self.square.of(x))",
         SQUARES_REPLAY),
    ),
    inside(
        "networks/anchor.py",
        ("the first one-ways are raw", "answers = vault.one_way()",
         f"answers = {EXACT_ONE_WAY}", f"{REPLAY}[marginal]"),
        ("masses are raw", 'answer = vault.mean(embedding, name="masses")',
         "from wardveil.vault import Answer\n"
         "    from wardveil.vault.moments import clipped_total\n"
         "    answer = Answer(counts=clipped_total(vault._rows, embedding, 1.0), sd=1.0)",
         f"{REPLAY}[marginal]"),
        ("clipping follows the patients", "embedding = masses(asked, noise=sigma / n)",
         "embedding = masses(asked, noise=sigma / n)\n"
         "    embedding.unit = 1 / float(embedding.encode(vault._rows).norm(dim=1).max())",
         f"{REPLAY}[marginal]"),
    ),
    inside(
        "synthesizer.py",
        ("a private run is answered by an open vault",
         "kind = Vault if lease.plan.private else OpenVault", "kind = OpenVault",
         f"{MODEL}::test_all_noise_a_private_run_draws_is_asked_of_the_given_source[independent]"),
        ("a private run gets seeded noise",
         "noise = SecretNoise() if planned.private else SeededNoise(seed)",
         "noise = SeededNoise(seed)",
         f"{MODEL}::test_a_seed_does_not_repeat_the_noise_of_a_private_run"),
        ("losses are kept under a guarantee",
         "if moment.losses and not self.lease.plan.private:", "if moment.losses:",
         f"{MODEL}::test_a_talkative_model_is_not_written_down"),
        ("looked-at facts are not passed on",
         'looked=tuple(c.name for c in columns if "looked" in c.sources.values()),',
         "looked=(),", f"{MODEL}::test_looked_at_facts_are_the_first_thing_said"),
        ("the plan follows the table instead of what was declared",
         "    if rows is not None:\n        return rows\n", "",
         f"{MODEL}::test_a_declared_number_of_patients_is_planned_with_whoever_is_in_the_table"),
    ),
)  # fmt: skip

RELEASED = tuple(RELEASE)
MUTATIONS: tuple[Mutation, ...] = (
    *RELEASED, *SUMMED, *SOURCES, *CLIPPED, *BOUGHT, *IMPORTED, *PRICED, *TRAINED,
)  # fmt: skip

IMPOSSIBLE: dict[str, tuple[str, str]] = {
    "a stored run keeps the training table by pickle": (
        "Runs are JSON and safetensors; nothing under src imports pickle or its kin.",
        f"{MODEL}::test_nothing_under_src_can_store_or_run_objects",
    ),
    "a stored run can run code": (
        "Loading unpickles nothing, watched by an audit hook.",
        f"{MODEL}::test_loading_a_run_unpickles_nothing",
    ),
    "loaders: shuffled, drop_last, weighted or class-balanced": (
        "There is no loader: the vault draws every batch, and no class of that kind is named.",
        f"{MODEL}::test_nothing_under_src_can_store_or_run_objects",
    ),
    "a model reads rows of a private vault": (
        "A private vault has no method that returns rows; replay notices its private parts.",
        f"{VAULT}::test_a_private_vault_has_no_way_to_hand_out_rows",
    ),
    "gradient accumulation across draws": (
        "A release is one call: nothing clipped survives it unreleased.",
        f"{CHARGED}[gradient]",
    ),
    "packs of rows by order": (
        "A critic whose output of one row depends on another is refused.",
        f"{CLIPPING}::test_networks_that_do_not_keep_rows_apart_are_refused",
    ),
    "train until ε is spent": (
        "Steps are in the plan; a lease refuses one more, and the plan never exceeds its budget.",
        f"{PLAN}::test_a_lease_refuses_what_is_not_planned",
    ),
    "the table is opened before the plan stands": (
        "A plan that cannot be made ends the run although the file does not exist.",
        f"{MODEL}::test_an_impossible_plan_is_refused_before_the_table_is_opened",
    ),
    "noise split over several ranks": (
        "There is one process and one source of noise.",
        f"{SCALE}[0.25]",
    ),
}
"""Mistakes that have no place to happen: why, and the test that keeps it so."""
