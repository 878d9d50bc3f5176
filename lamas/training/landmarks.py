"""The landmarks of a table: by how near they are to them its queries are told apart."""

from dataclasses import dataclass

import numpy as np
import torch

from lamas.controller.nearness import LANDMARKS, nearness
from lamas.execution.graph_values import Floats
from lamas.training.linear_algebra import eigenvectors, product

# Landmarks that say the same, word for word or nearly, would be divided by nothing.
_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Some of a table's queries, and all of its queries as they are seen from there.

    A linear model of `features` is one of the Laplacian kernel exp(−‖x − y‖) (Nyström, where there
    are more queries than landmarks): unlike one of the embeddings themselves it can follow what
    holds for a few near questions only, as nearest neighbours do.
    """

    places: Floats
    """[M, 384], M ≤ LANDMARKS."""
    near: Floats
    """[P, LANDMARKS]: nearness of every query of the table to each landmark, then zeros."""
    root: Floats
    """[M, M]: of the M first columns of `near`, features whose inner products are the kernel."""

    @classmethod
    def of(cls, embeddings: Floats, random: np.random.Generator) -> "Landmarks":
        """All of [P, 384], or LANDMARKS of them drawn by `random`."""
        count = min(len(embeddings), LANDMARKS)
        chosen = np.sort(random.choice(len(embeddings), count, replace=False))
        places = embeddings[chosen]
        near = np.zeros((len(embeddings), LANDMARKS))
        found = nearness(torch.from_numpy(embeddings), torch.from_numpy(places))
        near[:, :count] = found.numpy()
        values, vectors = eigenvectors(near[chosen, :count])
        scaled = vectors / np.sqrt(values.clip(min=_LEAST * values.max()))
        return cls(places, near, scaled)

    def features(self) -> Floats:
        """[P, M]."""
        return product(self.near[:, : len(self.root)], self.root)
