"""Adam: the same bits as torch's optimiser, and nothing of torch's compiler loaded for it."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from lamas.training.adam import Adam


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


@pytest.mark.slow
def test_it_moves_parameters_as_torchs_optimiser_does() -> None:
    ours, theirs = net(), net()
    # Of the last bias only later steps have a gradient: its own steps are counted.
    optimiser = Adam(ours.parameters(), learning_rate=0.02)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.02, foreach=False)
    random = torch.Generator().manual_seed(1)
    for step in range(12):
        batch = torch.randn(4, 5, generator=random)
        for model, each in ((ours, optimiser), (theirs, reference)):
            each.zero_grad()
            torch.autograd.backward(model(batch).square().sum())
            if step < 3:
                list(model.parameters())[-1].grad = None
            each.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
        kept, expected = optimiser.state[mine], reference.state[other]
        assert set(kept) == set(expected)
        assert all(torch.equal(kept[name], expected[name]) for name in kept)
        assert all(kept[name].dtype == expected[name].dtype for name in kept)


def test_a_parameter_without_a_gradient_stays_and_has_no_state() -> None:
    model = net()
    before = copy.deepcopy(model.state_dict())
    optimiser = Adam(model.parameters(), learning_rate=0.02)
    optimiser.step()
    assert not optimiser.state
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.slow
def test_learning_loads_nothing_of_torchs_compiler() -> None:
    code = (
        "import sys, tempfile, pathlib\n"
        "from lamas.training import load_checkpoint, save_checkpoint\n"
        "from tests.training.test_checkpoint import DATA, trained, train_step, wants_vote\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "saved = save_checkpoint(trained(), folder)\n"
        "train_step(load_checkpoint(saved.path), DATA, wants_vote, samples=3)\n"
        "saved.path.unlink(), folder.rmdir()\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
