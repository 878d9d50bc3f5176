"""Adam (Kingma and Ba 2015): torch's own computation, without loading torch's compiler.

`torch.optim.Adam` imports `torch._dynamo` when it is made, which takes nearly as long as torch
itself; `torch.optim.adam.adam`, its functional form, does not.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adam import adam

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """Moves parameters by their gradients; the same bits as `torch.optim.Adam(foreach=False)`."""

    def __init__(self, parameters: Iterable[Parameter], *, learning_rate: float) -> None:
        self._parameters = list(parameters)
        self._learning_rate = learning_rate
        self.state: dict[Parameter, dict[str, Tensor]] = {}
        """`step`, a float32 scalar, and the moments `exp_avg` and `exp_avg_sq`, each of the
        parameter's shape; of a parameter that never had a gradient, nothing."""

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [parameter for parameter in self._parameters if parameter.grad is not None]
        for parameter in moved:
            if parameter not in self.state:
                self.state[parameter] = {
                    "step": torch.tensor(0.0, dtype=torch.float32),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        states = [self.state[parameter] for parameter in moved]
        adam(
            list[Tensor](moved),
            [parameter.grad for parameter in moved if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            foreach=False,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self._learning_rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )
