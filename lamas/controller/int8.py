"""Linear layers in 8-bit integers, row by row, so that no row's result depends on another's."""

import torch
from torch import Tensor, nn

LARGEST = 127.0


class Int8Linear(nn.Module):
    """y = x·Wᵀ + b with W in 8 bits for each output and x in 8 bits for each row.

    Products are summed as integers, exactly; a row's scale is its own largest magnitude (dynamic
    per-token quantisation, Yao et al., "ZeroQuant", 2022).
    """

    def __init__(self, linear: nn.Linear) -> None:
        """Takes the weights over; `linear` is left as it was."""
        super().__init__()
        weight = linear.weight.detach()
        scale = _scale(weight)
        quantised = torch.round(weight / scale).to(torch.int8)
        self.weight = nn.Buffer(quantised.t().contiguous())
        self.scale = nn.Buffer(scale.t().contiguous())
        self.bias = nn.Buffer(linear.bias.detach().clone())

    def forward(self, rows: Tensor) -> Tensor:
        """[…, inputs] to […, outputs], float32."""
        flat = rows.reshape(-1, rows.shape[-1])
        scale = _scale(flat)
        quantised = torch.round(flat / scale).to(torch.int8)
        summed: Tensor = torch.ops.aten._int_mm(quantised, self.weight)
        made = summed.float().mul_(scale).mul_(self.scale).add_(self.bias)
        return made.reshape(*rows.shape[:-1], -1)


def use_int8(module: nn.Module) -> None:
    """Put an Int8Linear in the place of every linear layer below `module`."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            use_int8(child)


def _scale(rows: Tensor) -> Tensor:
    return rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / LARGEST
