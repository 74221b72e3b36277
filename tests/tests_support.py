"""What several tests build: plans without ceremony, small models, tables from frames."""

from functools import cache

import torch

from wardveil.audit.examine import audit_plan, trained
from wardveil.models import (
    ACGAN,
    CTGAN,
    Independent,
    MarginalGAN,
    MedGAN,
    MedicalCGAN,
    Model,
    TableGAN,
)
from wardveil.privacy import Budget, Plan, make_plan
from wardveil.tables import Table, read_table
from wardveil.vault import SeededNoise

SMALL_CGAN = MedicalCGAN(
    generator_hidden_dims=(16,), discriminator_hidden_dims=(16,), epochs=2, batch_size=50,
    private_discriminator_hidden_dims=(8,), private_steps=4, private_batch=0.25,
    anchor_rows=64, anchor_epochs=2, matching_steps=3, learnable=0.0,
)  # fmt: skip

SMALL_CTGAN = CTGAN(
    noise_dim=8, generator_hidden_dims=(16,), critic_hidden_dims=(16,), epochs=2, batch_size=50,
    pac=5, modes=3, matching_steps=3, private_critic_hidden_dims=(8,), private_steps=4,
    private_batch=0.25, anchor_rows=64, anchor_epochs=2, learnable=0.0,
)  # fmt: skip

SMALL_MEDGAN = MedGAN(
    random_dim=8, embedding_dim=8, generator_dims=(8,), discriminator_dims=(16, 8), epochs=2,
    pretrain_epochs=2, batch_size=50, pretrain_batch_size=50, matching_steps=3, anchor_rows=64,
    anchor_pretrain_epochs=1, anchor_epochs=2, private_batch=0.25, private_steps=4,
    autoencoder_steps=3, private_discriminator_dims=(8,), learnable=0.0,
)  # fmt: skip

SMALL_TABLEGAN = TableGAN(
    noise_dim=8, channels=(4, 8), epochs=2, batch_size=50, matching_steps=3,
    private_channels=(2, 4), private_batch=0.25, private_steps=4, anchor_rows=64, anchor_epochs=2,
    learnable=0.0,
)  # fmt: skip

SMALL: dict[str, Model] = {
    "marginal": MarginalGAN(rows=50, steps=3, final_steps=5),
    "medical-cgan": SMALL_CGAN,
    "ctgan": SMALL_CTGAN,
    "acgan": ACGAN(
        generator_hidden_dims=(16,),
        discriminator_hidden_dims=(16,),
        epochs=2,
        batch_size=50,
        private_discriminator_hidden_dims=(8,),
        private_steps=4,
        private_batch=0.25,
        anchor_rows=64,
        anchor_epochs=2,
        matching_steps=3,
        learnable=0.0,
        checkpoints=2,
        judged_rows=40,
    ),
    "medgan": SMALL_MEDGAN,
    "tablegan": SMALL_TABLEGAN,
    "independent": Independent(),
}


def planned(questions, n: int, epsilon: float) -> Plan:
    """The plan of some questions for n patients; worked out once a process."""
    return _planned(tuple(questions), n, epsilon)


@cache
def _planned(questions, n: int, epsilon: float) -> Plan:
    return make_plan(questions, budget=Budget.for_patients(n, epsilon), n=n)


def table_of(frame, schema) -> Table:
    """A frame read under a schema."""
    return read_table(frame, schema)


def unlike(one, two) -> bool:
    """Whether two sets of weights differ in a name, a shape or a number."""
    return set(one) != set(two) or any(
        one[k].shape != two[k].shape or not torch.equal(one[k], two[k]) for k in one
    )


def private_weights(schema, model, rows):
    """What a model learns of rows under a plan for ε = 3 and noise of one seed."""
    n = len(next(iter(rows.values())))
    plan = audit_plan(model, schema, n, 3.0)
    return trained(model, dict(rows), schema, plan, SeededNoise(2))[0]
