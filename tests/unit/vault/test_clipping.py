import logging
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy, linear

from wardveil.errors import VaultError
from wardveil.vault.clipping import Part, Penalty, clipped_sum, engine_of, mean_gradient

INF = float("inf")
FEW = settings(deadline=None, max_examples=25)


# ---- two oracles: vmap(grad) of one unit's loss, and ordinary autograd unit by unit


def one_unit(part, params, inputs, points):
    """Loss of one unit: its rows, (M, …) per input, and its points, (k, …)."""

    def call(x):
        return functional_call(part.network, params, (x,))

    total = part.loss(*(call(x) for x in inputs)).mean()
    if part.penalty is not None:
        score = part.penalty.score or (lambda y: y)
        J = grad(lambda x: score(call(x)).sum())(points)
        square = J.flatten(1).square().sum(1)
        r = torch.where(square > 0, square, 1.0).sqrt() * (square > 0)  # flat there: slope 0
        total = total + part.penalty.weight * ((r - part.penalty.target) ** 2).mean()
    return total / part.scale


def by_vmap(parts):
    """(U, …) gradients per part and name."""
    found = []
    for part in parts:
        units = part.units
        inputs = [x.view(units, -1, *x.shape[1:]) for x in part.inputs]
        points = part.penalty.points if part.penalty else torch.zeros(units, 1)
        points = points.view(units, -1, *points.shape[1:])
        params = {n: p.detach() for n, p in part.network.named_parameters()}
        rows = vmap(grad(partial(one_unit, part)), in_dims=(None, 0, 0))
        found.append(rows(params, inputs, points))
    return found


def by_loop(parts, seed=0):
    """The same, for losses that hold labels and networks that draw masks."""
    torch.manual_seed(seed)
    found = []
    for part in parts:
        named = dict(part.network.named_parameters())
        n, units = len(part.inputs[0]), part.units
        y = part.network(torch.cat(part.inputs))
        heads = [head.split(n) for head in ([y] if isinstance(y, Tensor) else y)]
        outputs = heads[0] if isinstance(y, Tensor) else zip(*heads, strict=True)
        loss = part.loss(*outputs).view(units, -1).mean(1)
        if part.penalty is not None:
            x = part.penalty.points.clone().requires_grad_()
            y = part.network(x)
            score = part.penalty.score(y) if part.penalty.score else y
            (J,) = torch.autograd.grad(score.sum(), x, create_graph=True)
            excess = J.flatten(1).norm(dim=1) - part.penalty.target
            loss = loss + part.penalty.weight * excess.square().view(units, -1).mean(1)
        rows = [
            torch.autograd.grad(
                v / part.scale, list(named.values()), retain_graph=True, materialize_grads=True
            )
            for v in loss
        ]
        found.append({k: torch.stack([r[i] for r in rows]) for i, k in enumerate(named)})
    return found


def norms_of(units):
    return sum(g.flatten(1).double().square().sum(1) for d in units for g in d.values()).sqrt()


def expected(units, clip_norm, keep=None):
    norms = norms_of(units)
    c = (clip_norm / norms).clamp(max=1.0)
    c = c if keep is None else c * keep
    sums = [{k: torch.einsum("u,u...->...", c.to(g.dtype), g) for k, g in d.items()} for d in units]
    return sums, norms


def error(found, wanted):
    """Largest difference, relative to the largest entry of any parameter, or to 1e-3."""
    size = max(float(v.abs().max()) for d in wanted for v in d.values())
    worst = max(
        float((f[k] - w[k]).abs().max()) for f, w in zip(found, wanted, strict=True) for k in w
    )
    return worst / max(size, 1e-3)


def assert_exact(parts, oracle=by_vmap, tol=1e-10, seed=0):
    units = oracle(parts)
    clip_norm = float(norms_of(units).median()) or 1.0
    sums, norms = expected(units, clip_norm)
    torch.manual_seed(seed)
    found = clipped_sum(parts, clip_norm=clip_norm)
    assert [list(d) for d in found.gradients] == [list(d) for d in sums]
    difference = (found.norms**2 - norms**2).abs()
    assert float((difference / (norms**2).clamp(min=1e-3)).max()) <= tol
    assert error(found.gradients, sums) <= tol


# ---- networks and losses

ACTIVATIONS = {
    "leaky": lambda: nn.LeakyReLU(0.2), "relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid, "softplus": nn.Softplus, "gelu": nn.GELU,
}  # fmt: skip


def mlp(widths, activation="leaky", dropout=0.0, bias=True):
    layers = []
    for i, o in pairwise(widths[:-1]):
        layers += [nn.Linear(i, o, bias=bias), ACTIVATIONS[activation](), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def wasserstein(real, fake):
    return (fake - real).flatten()


def uneven(real, fake):
    """Its two terms do not cancel, so that tiny networks can be compared to many digits."""
    return (fake - 2 * real).flatten()


def rows(n, *shape, dtype=torch.float64):
    return torch.randn(n, *shape, dtype=dtype)


def wgan(network, n, *shape, weight=10.0, dtype=torch.float64, **kw):
    """A critic on real and fake rows, with a penalty if it has a weight."""
    real, fake = rows(n, *shape, dtype=dtype), rows(n, *shape, dtype=dtype)
    e = torch.rand(n, *[1] * len(shape), dtype=dtype)
    penalty = Penalty(points=e * real + (1 - e) * fake, weight=weight) if weight else None
    return Part(
        network=network.to(dtype), inputs=(real, fake), loss=wasserstein, penalty=penalty, **kw
    )


class Residual(nn.Module):
    def __init__(self, d, w, norm=nn.LayerNorm):
        super().__init__()
        self.enter, self.inner, self.out = nn.Linear(d, w), nn.Linear(w, w), nn.Linear(w, 1)
        self.norm = norm(w)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        h = torch.tanh(self.enter(x))
        h = h + nn.functional.silu(self.norm(self.inner(h)))
        return self.out(h)


class Gated(nn.Module):
    """Every operation is linear in each argument, the product of two is not."""

    def __init__(self, d, w):
        super().__init__()
        self.value, self.gate, self.out = nn.Linear(d, w), nn.Linear(d, w), nn.Linear(w, 1)

    def forward(self, x):
        return self.out(self.value(x) * nn.functional.relu(self.gate(x)))


class TwoHeads(nn.Module):
    def __init__(self, d, w, k, dropout=0.0):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d, w), nn.LeakyReLU(), nn.Dropout(dropout))
        self.source, self.arm = nn.Linear(w, 1), nn.Linear(w, k)

    def forward(self, x):
        h = self.body(x)
        return self.source(h), self.arm(h)


def conv2d_critic():
    return nn.Sequential(
        nn.Conv2d(1, 3, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(3, 5, 3, padding=2, dilation=2), nn.GroupNorm(1, 5), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(5 * 16, 1),
    )  # fmt: skip


def conv1d_critic():
    return nn.Sequential(
        nn.Unflatten(1, (1, 12)), nn.Conv1d(1, 4, 3, stride=2, padding=1), nn.SiLU(),
        nn.Conv1d(4, 40, 3, bias=False), nn.Tanh(), nn.Flatten(), nn.Linear(160, 1),
    )  # fmt: skip


def sequence_critic():
    return nn.Sequential(nn.Linear(5, 30), nn.LayerNorm(30), nn.Flatten(), nn.Linear(90, 1))


class Scaled(nn.Module):
    """A layer that no rule knows: it has a parameter of its own."""

    def __init__(self, w):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(w) + 0.5)
        self.mix = nn.Linear(w, w)

    def forward(self, x):
        return self.mix(x * self.scale) ** 2


# ---- exactness


@FEW
@given(
    widths=st.lists(st.integers(1, 17), min_size=1, max_size=4),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    weight=st.sampled_from([0.0, 1.0, 10.0]),
    bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_sum_and_norms_are_those_of_vmap_for_any_mlp(widths, activation, weight, bias, seed):
    torch.manual_seed(seed)
    part = wgan(mlp([*widths, 1], activation, bias=bias), 6, widths[0], weight=weight)
    assert_exact([replace(part, loss=uneven)], tol=1e-9)


@FEW
@given(
    activation=st.sampled_from(["leaky", "silu"]),
    weight=st.sampled_from([0.0, 10.0]),
    seed=st.integers(0, 1000),
)
def test_dropout_masks_are_those_of_the_forward_pass(activation, weight, seed):
    torch.manual_seed(seed)
    part = wgan(mlp([9, 14, 12, 1], activation, dropout=0.5), 7, 9, weight=weight)
    assert_exact([part], oracle=by_loop)


@pytest.mark.parametrize("weight", [0.0, 10.0])
@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda: Residual(6, 9), (6,)),
        (lambda: Residual(6, 8, partial(nn.GroupNorm, 2)), (6,)),
        (conv2d_critic, (1, 8, 8)),
        (conv1d_critic, (12,)),
        (sequence_critic, (3, 5)),
        (lambda: Gated(6, 9), (6,)),
    ],
    ids=["residual-layernorm", "residual-groupnorm", "conv2d", "conv1d", "sequence", "gated"],
)  # fmt: skip
def test_sum_and_norms_are_those_of_vmap(network, shape, weight):
    torch.manual_seed(3)
    part = wgan(network(), 5, *shape, weight=weight)
    assert engine_of(part.network) == "exact"
    assert_exact([part])


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_two_heads_and_a_penalty_on_one_of_them(dropout):
    torch.manual_seed(1)
    y = torch.randint(4, (6,))

    def loss(real, fake):
        arms = cross_entropy(real[1], y, reduction="none")
        return (fake[0] - real[0]).squeeze(1) + arms

    part = wgan(TwoHeads(5, 16, 4, dropout), 6, 5)
    penalty = Penalty(points=part.penalty.points, weight=10.0, score=lambda out: out[0])
    part = Part(network=part.network, inputs=part.inputs, loss=loss, penalty=penalty)
    assert_exact([part], oracle=by_loop)


def test_a_curved_score_is_differentiated_through():
    torch.manual_seed(1)
    network = mlp([5, 16, 3]).double()
    penalty = Penalty(points=rows(6, 5), weight=3.0, score=lambda y: y.softmax(1)[:, 0])
    part = Part(
        network=network, inputs=(rows(6, 5),), loss=lambda y: y.sum(1).square(), penalty=penalty
    )
    assert_exact([part], oracle=by_loop)


def test_two_networks_are_one_vector():
    torch.manual_seed(2)
    classifier = Part(
        network=mlp([4, 20, 1], "tanh").double(),
        inputs=(rows(6, 4),),
        loss=lambda y: y.flatten().square(),
        scale=3.0,
    )
    parts = [wgan(mlp([7, 11, 1]), 6, 7, scale=0.5), classifier]
    assert_exact(parts)


@pytest.mark.parametrize("activation", ["leaky", "silu"])
def test_rows_of_a_unit_are_averaged_before_the_clip(activation):
    torch.manual_seed(4)
    M, U = 3, 5
    part = wgan(mlp([6, 40, 1], activation), U * M, 6, rows_per_unit=M)
    assert part.units == U
    assert_exact([part])
    few = Penalty(points=rows(U * 2, 6), weight=1.0)  # another number of points than of rows
    assert_exact([Part(network=part.network, inputs=part.inputs, loss=wasserstein,
                       penalty=few, rows_per_unit=M)])  # fmt: skip


def test_inputs_of_different_shapes_go_through_the_network_one_by_one():
    torch.manual_seed(4)
    network = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 1)
    ).double()
    assert_exact([Part(network=network, inputs=(rows(4, 2, 9), rows(4, 2, 6)), loss=wasserstein)])


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_a_layer_called_twice_and_a_weight_shared_by_two_layers(weight):
    torch.manual_seed(5)
    again = nn.Linear(9, 9)
    assert_exact(
        [wgan(nn.Sequential(again, nn.Tanh(), again, nn.Linear(9, 1)), 4, 9, weight=weight)],
        oracle=by_loop,
    )
    tied = nn.Linear(9, 9)
    tied.weight = again.weight
    network = nn.Sequential(again, nn.LeakyReLU(), tied, nn.Linear(9, 1)).double()
    assert_exact([wgan(network, 4, 9, weight=weight)], oracle=by_loop)


@pytest.mark.parametrize("activation", ["leaky", "silu"])
def test_a_frozen_head_does_not_hide_the_layers_below(activation):
    torch.manual_seed(5)
    part = wgan(mlp([6, 12, 9, 1], activation), 4, 6)
    full = clipped_sum([part], clip_norm=INF).gradients[0]
    for layer in (part.network[3], part.network[6]):
        layer.requires_grad_(False)
    some = clipped_sum([part], clip_norm=INF).gradients[0]
    assert set(some) == {"0.weight", "0.bias"}
    assert all(torch.allclose(some[k], full[k], rtol=1e-9, atol=1e-12) for k in some)


@pytest.mark.parametrize("activation", ["leaky", "silu"])
def test_frozen_parameters_get_no_gradient(activation):
    torch.manual_seed(5)
    network = mlp([6, 12, 9, 1], activation)
    part = wgan(network, 4, 6)
    full = clipped_sum([part], clip_norm=INF).gradients[0]
    network[0].weight.requires_grad_(False)
    network[3].weight.requires_grad_(False)
    network[6].requires_grad_(False)
    some = clipped_sum([part], clip_norm=INF).gradients[0]
    assert set(full) - set(some) == {"0.weight", "3.weight", "6.weight", "6.bias"}
    assert all(torch.allclose(some[k], full[k], rtol=1e-9, atol=1e-12) for k in some)


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_layers_without_a_rule_go_to_opacus(weight, caplog):
    torch.manual_seed(6)
    network = nn.Sequential(nn.Linear(5, 6), Scaled(6), nn.Tanh(), nn.Linear(6, 1))
    assert engine_of(network) == "opacus"
    with caplog.at_level(logging.INFO, logger="wardveil"):
        assert_exact([wgan(network, 4, 5, weight=weight)])
    assert "'opacus', because of Scaled" in caplog.text


def test_an_opacus_rule_is_used_where_there_is_one():
    torch.manual_seed(6)
    network = nn.Sequential(nn.Conv1d(2, 4, 3, groups=2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 1))
    assert engine_of(network) == "opacus"
    assert_exact([wgan(network, 4, 2, 5)])


def test_opacus_measures_embeddings_and_its_own_recurrent_layers():
    from opacus.layers import DPGRU

    class Visits(nn.Module):
        def __init__(self):
            super().__init__()
            self.code = nn.Embedding(2, 3)
            self.visits = DPGRU(3, 4, batch_first=True)
            self.out = nn.Linear(4, 1)

        def forward(self, x):
            return self.out(self.visits(self.code(x))[0][:, -1])

    torch.manual_seed(6)
    codes = torch.randint(2, (2, 5, 3))
    part = Part(network=Visits().double(), inputs=tuple(codes), loss=uneven)
    assert engine_of(part.network) == "opacus"
    assert_exact([part], oracle=by_loop)


def test_float32_is_close():
    torch.manual_seed(7)
    part = wgan(mlp([40, 64, 64, 1]), 50, 40, dtype=torch.float32)
    assert_exact([part], tol=1e-4)


# ---- what the mechanism relies on


@FEW
@given(C=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_no_unit_contributes_more_than_the_clip_norm(C, seed):
    torch.manual_seed(seed)
    part = wgan(mlp([5, 12, 1], "silu"), 4, 5)
    total = clipped_sum([part], clip_norm=C).gradients[0]
    assert sum(g.square().sum() for g in total.values()).sqrt() <= 4 * C * (1 + 1e-6)
    for i in range(4):
        keep = torch.arange(4) == i
        one = clipped_sum([part], clip_norm=C, keep=keep).gradients[0]
        assert sum(g.square().sum() for g in one.values()).sqrt() <= C * (1 + 1e-6)


def test_a_unit_whose_terms_cancel_is_still_clipped():
    torch.manual_seed(8)
    C, big = 1.0, 1e4
    network = mlp([5, 300, 1])
    real = big * rows(8, 5, dtype=torch.float32)
    fake = real * (1 + 1e-4 * torch.rand(8, 1))
    part = Part(network=network, inputs=(real, fake), loss=wasserstein)
    for i in range(8):
        one = clipped_sum([part], clip_norm=C, keep=torch.arange(8) == i).gradients[0]
        assert sum(g.double().square().sum() for g in one.values()).sqrt() <= C * (1 + 1e-6)


@pytest.mark.parametrize("bad", [float("nan"), INF, 1e300])
@pytest.mark.parametrize("where", ["real", "fake", "points"])
@pytest.mark.parametrize("network", [lambda: mlp([5, 12, 1], "silu"), lambda: Residual(5, 12)])
def test_a_unit_that_is_not_finite_contributes_nothing(bad, where, network):
    torch.manual_seed(9)
    part = wgan(network(), 6, 5)
    keep = torch.arange(6) != 2
    wanted = clipped_sum([part], clip_norm=1.0, keep=keep)
    spoilt = dict(zip(("real", "fake", "points"), (*part.inputs, part.penalty.points), strict=True))
    if bad == 1e300 and (where == "points" or isinstance(part.network, Residual)):
        pytest.skip("saturates or is normalised: finite after all")
    spoilt[where][2, 1] = bad
    found = clipped_sum([part], clip_norm=1.0)
    assert not found.norms[2].isfinite()
    assert found.norms[keep].equal(wanted.norms[keep])
    for k, g in found.gradients[0].items():
        assert g.equal(wanted.gradients[0][k])


def test_padding_contributes_nothing_whatever_it_holds():
    torch.manual_seed(9)
    part = wgan(mlp([5, 12, 1]), 6, 5)
    keep = torch.tensor([True, True, False, True, False, True])
    sums, _ = expected(by_vmap([part]), 1.0, keep)
    part.inputs[0][2] = float("nan")
    part.inputs[1][4] = 1e30
    assert error(clipped_sum([part], clip_norm=1.0, keep=keep).gradients, sums) < 1e-10


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_no_units_give_zeros(weight):
    part = wgan(mlp([5, 12, 1]), 0, 5, weight=weight)
    found = clipped_sum([part], clip_norm=1.0, keep=torch.zeros(0, dtype=torch.bool))
    assert found.norms.shape == (0,)
    assert {k: v.shape for k, v in found.gradients[0].items()} == {
        k: p.shape for k, p in part.network.named_parameters()
    }
    assert not any(v.any() for v in found.gradients[0].values())


def test_a_flat_score_costs_nothing_to_penalise():
    network = mlp([5, 12, 1]).double()
    nn.init.zeros_(network[-1].weight)
    part = wgan(network, 4, 5)
    found = clipped_sum([part], clip_norm=INF)
    assert found.norms.isfinite().all()


def test_the_network_is_left_as_it_was():
    part = wgan(mlp([5, 12, 1]), 4, 5)
    state = torch.get_rng_state()
    clipped_sum([part], clip_norm=1.0)
    assert torch.get_rng_state().equal(state)
    assert all(p.grad is None for p in part.network.parameters())
    assert not any(m._forward_hooks for m in part.network.modules())


# ---- the ordinary way


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_without_a_clip_the_sum_is_the_ordinary_gradient(weight):
    torch.manual_seed(10)
    parts = [wgan(mlp([5, 12, 1], "silu"), 6, 5, weight=weight), wgan(Residual(4, 8), 6, 4)]
    keep = torch.tensor([True, True, False, True, True, True])
    for mask, n in ((None, 6), (keep, 5)):
        sums = clipped_sum(parts, clip_norm=INF, keep=mask).gradients
        means = mean_gradient(parts, keep=mask)
        assert error([{k: v / n for k, v in d.items()} for d in sums], means) < 1e-10


def test_batch_normalisation_is_allowed_without_privacy():
    network = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    part = wgan(network, 6, 5)
    assert set(mean_gradient([part])[0]) == set(dict(network.named_parameters()))


# ---- refusals


class Centred(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        return self.out(x - x.mean(0).detach())


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(10, 1)

    def forward(self, x):
        return self.out(x.reshape(-1, 10))


class Sidestep(nn.Module):
    """Uses a layer's weight twice, once behind its back."""

    def __init__(self):
        super().__init__()
        self.mix, self.out = nn.Linear(5, 5), nn.Linear(5, 1)

    def forward(self, x):
        return self.out(linear(torch.tanh(self.mix(x)), self.mix.weight))


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), "BatchNorm1d"),
        (
            lambda: nn.Sequential(
                nn.Unflatten(1, (1, 5)), nn.InstanceNorm1d(1, track_running_stats=True),
                nn.Flatten(), nn.Linear(5, 1),
            ),
            "InstanceNorm1d",
        ),
        (Centred, "changes when another row does"),
        (Packed, "called on 4 rows where 8 came in"),
        (Sidestep, "mix.weight is used outside"),
        (lambda: nn.Sequential(nn.Linear(5, 4), nn.LeakyReLU(inplace=True), nn.Linear(4, 1)),
         "in place"),
        (lambda: nn.Sequential(nn.Unflatten(1, (5, 1)), nn.Flatten(0, 1), nn.Linear(1, 1),
                               nn.Unflatten(0, (-1, 5)), nn.Flatten(), nn.Linear(5, 1)),
         "called on 40 rows"),
    ],
)  # fmt: skip
def test_networks_that_do_not_keep_rows_apart_are_refused(network, why):
    with pytest.raises(VaultError, match=why) as caught:
        clipped_sum([wgan(network(), 6, 5, weight=0.0)], clip_norm=1.0)
    assert {p.code for p in caught.value.problems} == {"E421"}


@pytest.mark.parametrize(
    "loss",
    [
        lambda real, fake: (fake - real.mean(0)).flatten(),
        lambda real, fake: (fake - real).flatten() / fake.detach().std(),
    ],
)
def test_losses_that_mix_rows_are_refused(loss):
    part = wgan(mlp([5, 4, 1]), 6, 5)
    with pytest.raises(VaultError, match="E421"):
        clipped_sum([Part(network=part.network, inputs=part.inputs, loss=loss)], clip_norm=1.0)


def test_everything_that_does_not_fit_is_said_at_once():
    network = mlp([5, 4, 1]).double()
    short = Part(network=network, inputs=(rows(6, 5), rows(5, 5)), loss=wasserstein, scale=0.0,
                 penalty=Penalty(points=rows(7, 5), weight=1.0))  # fmt: skip
    with pytest.raises(VaultError) as caught:
        clipped_sum([short, wgan(network, 6, 5)], clip_norm=0.0, keep=torch.ones(6))
    assert len(caught.value.problems) == 6


def test_reduced_precision_is_refused():
    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(VaultError, match="precision"):
            clipped_sum([wgan(mlp([5, 4, 1]), 6, 5)], clip_norm=1.0)
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("loss", [lambda y: y.mean(), lambda y: y])
def test_a_loss_must_have_one_number_per_row(loss):
    part = Part(network=mlp([5, 4, 1]).double(), inputs=(rows(6, 5),), loss=loss)
    with pytest.raises(VaultError, match="E422"):
        clipped_sum([part], clip_norm=1.0)


def test_a_penalty_on_many_outputs_must_say_which():
    part = wgan(mlp([5, 4, 2]), 6, 5)
    part = Part(network=part.network, inputs=part.inputs, penalty=part.penalty,
                loss=lambda real, fake: (fake - real).sum(1))  # fmt: skip
    with pytest.raises(VaultError, match="E422"):
        clipped_sum([part], clip_norm=1.0)
