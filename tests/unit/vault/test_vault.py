"""The vault answers what was planned, from patients it never shows."""

from math import inf

import numpy as np
import pytest
import torch
from torch import nn

from tests_support import SMALL_CGAN, planned, table_of
from wardveil.audit import RecordingNoise
from wardveil.encode.bins import Bins
from wardveil.encode.histogram import distributions
from wardveil.encode.matrix import Matrix
from wardveil.errors import SchemaError, VaultError
from wardveil.privacy import Choices, Gradients, Histograms, Lease, Marginals
from wardveil.vault import OpenVault, Part, SeededNoise, Vault, tables_of
from wardveil.vault.statistics import (
    coarse,
    flags_of,
    keep_first_codes,
    pair_counts,
    resolution,
    stride_of,
    table,
)

assert SMALL_CGAN


def questions(schema, n):
    return [
        Histograms(tables=tables_of(schema), share=0.3),
        Choices(count=2, share=0.1),
        Marginals(count=2, share=0.3),
        Gradients(patients=n, batch=n / 4, count=3, clip_norm=1.0, parameters=20, share=0.3),
    ]


def vault_over(schema, frame, kind=Vault, epsilon=2.0, noise=None):
    held = table_of(frame, schema)
    plan = planned(questions(schema, held.n), held.n, inf if kind is OpenVault else epsilon)
    return kind(held.rows, schema=schema, lease=Lease(plan), noise=noise or SeededNoise(2)), held


def test_an_open_vault_answers_exactly(schema, frame):
    vault, held = vault_over(schema, frame, OpenVault)
    answers = vault.one_way()
    assert answers["sex"].counts.tolist() == [(frame.sex == s).sum() for s in ("female", "male")]
    assert answers["bmi"].counts[-1] == frame.bmi.isna().sum()
    assert answers["drugs=metformin"].counts.tolist() == [
        frame.drugs.str.contains("metformin").sum()
    ]
    assert vault.rows() is not None
    assert held.n == vault.count()


def test_a_private_vault_has_no_way_to_hand_out_rows(schema, frame):
    vault, _ = vault_over(schema, frame)
    assert not hasattr(vault, "rows")
    public = {name for name in dir(vault) if not name.startswith("_")}
    assert public == {"choose", "count", "gradient", "lease", "marginal", "mean", "one_way",
                      "prefer", "private", "schema", "second_moments"}  # fmt: skip


def test_answers_carry_noise_of_the_planned_size(schema, frame):
    vault, held = vault_over(schema, frame)
    exact = OpenVault(
        held.rows, schema=schema, lease=Lease(planned(questions(schema, held.n), held.n, inf)),
        noise=SeededNoise(1),
    ).one_way()  # fmt: skip
    noisy = vault.one_way()
    same = [k for k in noisy if noisy[k].stride == 1]
    gap = np.concatenate([noisy[k].counts - exact[k].counts for k in same])
    sd = vault.lease.plan.mechanism("one-way").sd
    assert gap.std() == pytest.approx(sd, rel=0.25)
    assert {a.sd for a in noisy.values()} == {sd}


def test_nothing_can_be_asked_twice(schema, frame):
    vault, _ = vault_over(schema, frame)
    vault.one_way()
    with pytest.raises(VaultError, match="E423"):
        vault.one_way()


def test_the_table_must_have_the_planned_number_of_patients(schema, frame):
    held = table_of(frame, schema)
    plan = planned(questions(schema, held.n), held.n + 1, 2.0)
    with pytest.raises(SchemaError, match="E424"):
        Vault(held.rows, schema=schema, lease=Lease(plan), noise=SeededNoise(2))


def test_at_most_max_codes_flags_of_a_patient_count(schema):
    flags = flags_of(schema.by_name["drugs"])
    rows = {name: np.array([1, 0, 1], dtype=np.int32) for name in flags}
    kept = keep_first_codes(rows, schema)
    assert np.stack([kept[f] for f in flags]).sum(axis=0).tolist() == [2, 0, 2]
    assert kept[flags[0]].tolist() == [1, 0, 1]  # the first in declared order stay


def test_one_patient_touches_as_many_tables_as_declared(schema):
    # age, bmi, sex, stage, diabetes, died are one each; drugs count twice
    assert tables_of(schema) == 8


def binning(schema, held, most=5):
    noise = SeededNoise(0)
    plan = planned([Histograms(tables=8, share=1.0)], held.n, inf)
    vault = OpenVault(held.rows, schema=schema, lease=Lease(plan), noise=noise)
    return Bins(schema.variables, distributions(schema, vault.one_way(), held.n), most)


def test_pair_counts_agree_with_counting_one_pair_at_a_time(schema, frame):
    held = table_of(frame, schema)
    bins = binning(schema, held)
    gram = pair_counts(held.rows, bins)
    names = list(bins.sizes)
    for a, b in [("age", "stage"), ("bmi", "died"), ("sex", "drugs=insulin")]:
        i, j = bins.starts[a], bins.starts[b]
        block = gram[i : i + bins.sizes[a], j : j + bins.sizes[b]]
        assert np.array_equal(block, table(held.rows, (a, b), bins))
        assert block.sum() == held.n
    assert len(names) == len(schema.variables)


def test_choose_finds_the_pair_that_hangs_together(schema, frame):
    vault, held = vault_over(schema, frame, OpenVault)
    bins = binning(schema, held)
    mass = np.concatenate([bins.mass(v) for v in bins.sizes])
    k = len(bins.sizes)
    names = list(bins.sizes)
    weights = np.ones((k, k))
    for i, a in enumerate(names):  # only pairs with died, and age with stage
        for j, b in enumerate(names):
            weights[i, j] = float("died" in (a, b) or {a, b} == {"age", "stage"})
    i, j = vault.choose(
        held.n * np.outer(mass, mass), binning=bins, weights=weights, offsets=np.zeros((k, k))
    )
    assert {names[i], names[j]} == {"age", "stage"}


@pytest.mark.parametrize("hostile", [1e9, -1e9, float("nan"), float("inf")])
def test_a_patient_speaks_for_a_candidate_by_at_most_one(schema, frame, hostile):
    class Scores:
        """The scores themselves as the matrix: 0.25 of everybody, and one who shouts."""

        def __init__(self, loud):
            self.loud = loud

        def encode(self, rows):
            matrix = torch.full((len(rows["age"]), 3), 0.25)
            matrix[5] = self.loud
            return matrix

    heard = []
    for loud in (0.0, hostile):
        noise = RecordingNoise(SeededNoise(4))
        plan = planned([Choices(count=2, share=1.0, name="generator")], 600, 2.0)
        vault = Vault(table_of(frame, schema).rows, schema=schema, lease=Lease(plan), noise=noise)
        first = vault.prefer(lambda x: x, Scores(loud), without=(), name="generator")
        second = vault.prefer(lambda x: x, Scores(loud), without=[first], name="generator")
        assert first != second
        assert [len(a.value) for a in noise.asked] == [3, 2]
        heard.append(noise.asked[0].value)
    assert np.abs(heard[1] - heard[0]).max() <= 1.0


def linear_unit(d):
    torch.manual_seed(0)
    network = nn.Linear(d, 1)

    def unit(rows):
        return [Part(network=network, inputs=(rows,), loss=lambda out: 5 * out.squeeze(1) ** 2)]

    return network, unit


def matrix_of(schema, held):
    plan = planned([Histograms(tables=8, share=1.0)], held.n, inf)
    vault = OpenVault(held.rows, schema=schema, lease=Lease(plan), noise=SeededNoise(0))
    return Matrix(schema.variables, distributions(schema, vault.one_way(), held.n))


def test_a_gradient_is_the_clipped_mean_plus_noise(schema, frame):
    """With every patient in the batch the sum before noise is Σ g·min(1, 0.99/‖g‖)."""
    held = table_of(frame, schema)
    matrix = matrix_of(schema, held)
    question = Gradients(
        patients=held.n, batch=held.n, count=1, clip_norm=1.0, parameters=9, share=1.0
    )
    noise = RecordingNoise(SeededNoise(4))
    vault = Vault(
        held.rows, schema=schema, lease=Lease(planned([question], held.n, 2.0)), noise=noise
    )
    network, unit = linear_unit(matrix.width)
    vault.gradient(unit, matrix)
    x = matrix.encode(held.rows)
    out = network(x).squeeze(1).detach()
    g = 10 * out[:, None] * torch.cat([x, torch.ones(len(x), 1)], dim=1)
    expected = (g * (0.99 / g.norm(dim=1)).clamp(max=1)[:, None]).sum(dim=0)
    assert np.allclose(noise.asked[0].value, expected.numpy(), atol=1e-3)
    sigma = vault.lease.plan.mechanism("gradient").noise_multiplier
    assert noise.asked[0].scale == pytest.approx(sigma)


def test_an_empty_batch_still_releases_noise(schema, frame):
    class NobodyComes(RecordingNoise):
        """Coins that all stay up."""

        def uniforms(self, n):
            return np.full(n, 0.999)

    noise = NobodyComes(SeededNoise(4))
    vault, held = vault_over(schema, frame, noise=noise)
    matrix = matrix_of(schema, held)
    _, unit = linear_unit(matrix.width)
    gradient = vault.gradient(unit, matrix)[0]
    assert (noise.asked[0].value == 0).all()
    assert all((g != 0).all() for g in gradient.values())


def test_batches_have_the_same_public_shape_whoever_is_in_them(schema, frame):
    vault, held = vault_over(schema, frame)
    matrix = matrix_of(schema, held)
    shapes = []
    _, unit = linear_unit(matrix.width)

    def watching(rows):
        shapes.append(tuple(rows.shape))
        return unit(rows)

    for _ in range(3):
        vault.gradient(watching, matrix)
    assert set(shapes) == {(vault.lease.plan.mechanism("gradient").batch_limit, matrix.width)}


def test_an_open_vault_trains_on_every_row_once_an_epoch(schema, frame):
    held = table_of(frame, schema)
    seen = []

    class Position:
        """Encodes a row as its place in the table."""

        def encode(self, rows):
            return torch.arange(len(rows["age"]), dtype=torch.float32)[:, None]

    question = Gradients(
        patients=held.n, batch=50, count=12, clip_norm=1.0, parameters=1, share=1.0
    )
    vault = OpenVault(
        held.rows,
        schema=schema,
        lease=Lease(planned([question], held.n, inf)),
        noise=SeededNoise(3),
    )
    _, unit = linear_unit(1)
    encoder = Position()

    def watching(rows):
        seen.extend(rows[:, 0].tolist())
        return unit(rows)

    for _ in range(12):
        vault.gradient(watching, encoder)
    assert sorted(seen) == list(range(held.n))
    assert seen != sorted(seen)


def test_noisy_numbers_are_counted_coarsely_and_nobody_is_lost(schema, frame):
    number = schema.variables[1]  # bmi: 481 fine cells and "missing"
    counts = np.arange(number.size, dtype=np.int64)
    stride = stride_of(number, resolution(600, 20.0))
    merged = coarse(counts, number, stride)
    assert len(merged) == -(-number.cells // stride) + 1 <= 33
    assert merged.sum() == counts.sum()
    assert merged[-1] == counts[-1]
    assert resolution(10_000, 10.0) == 512
    assert stride_of(schema.variables[2], 2) == 1  # levels are never merged
