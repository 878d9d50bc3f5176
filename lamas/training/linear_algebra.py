"""Products and eigenvectors by torch, whose threads the learner bounds.

numpy's own threads would change the last bits, and where others use the cores an eigenvalue problem
of 512 rows takes them ten times as long and more.
"""

import torch

from lamas.execution.graph_values import Floats


def product(a: Floats, b: Floats) -> Floats:
    """a · b."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def eigenvectors(symmetric: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues [N] of [N, N] by rising size, and their vectors [N, N], a column each."""
    matrix = torch.from_numpy(symmetric)
    values, vectors = matrix.new_empty(len(matrix)), torch.empty_like(matrix)
    torch.linalg.eigh(matrix, out=(values, vectors))
    return values.numpy(), vectors.numpy()
