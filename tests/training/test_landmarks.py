"""Landmarks: features whose inner products are the kernel, whatever company a query keeps."""

import math

import numpy as np
import pytest
import torch

from lamas.controller.nearness import LANDMARKS, nearness
from lamas.training.landmarks import Landmarks
from tests.training.table_world import world

EMBEDDINGS = world(40).table.embeddings


def of(embeddings: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Landmarks:
    return Landmarks.of(embeddings, np.random.default_rng(0))


def test_nearness_is_the_laplacian_kernel_to_the_last_bit_in_any_company() -> None:
    queries = torch.from_numpy(EMBEDDINGS)
    together = nearness(queries, queries)
    assert together.diagonal().tolist() == [1.0] * len(queries)
    apart = math.dist(EMBEDDINGS[3].tolist(), EMBEDDINGS[7].tolist())
    assert together[3, 7].item() == pytest.approx(math.exp(-apart), rel=1e-12)
    for row in (0, 11, 39):
        assert torch.equal(nearness(queries[row : row + 1], queries)[0], together[row])


def test_inner_products_of_features_are_the_kernel_where_every_query_is_a_landmark() -> None:
    landmarks = of(EMBEDDINGS)
    features = landmarks.features()
    kernel = nearness(torch.from_numpy(EMBEDDINGS), torch.from_numpy(EMBEDDINGS)).numpy()
    assert features @ features.T == pytest.approx(kernel, abs=1e-9)
    assert landmarks.near.shape == (len(EMBEDDINGS), LANDMARKS)
    assert not landmarks.near[:, len(EMBEDDINGS) :].any()


def test_queries_that_occur_twice_divide_by_nothing() -> None:
    landmarks = of(np.concatenate([EMBEDDINGS, EMBEDDINGS]))
    features = landmarks.features()
    assert np.isfinite(features).all()
    assert features[0] == pytest.approx(features[len(EMBEDDINGS)], abs=1e-6)


@pytest.mark.slow
def test_of_many_queries_some_are_landmarks_in_their_order() -> None:
    many = world(LANDMARKS + 30).table.embeddings
    landmarks = of(many)
    assert len(landmarks.places) == LANDMARKS
    places = [int(np.flatnonzero((many == place).all(axis=1))[0]) for place in landmarks.places]
    assert places == sorted(places)
