"""The query encoder: real weights, no hub, and a function of the text alone."""

import os

import numpy as np
import pytest
import torch

from lamas.controller import EMBEDDING_SIZE, QueryEncoder, bounded_threads
from tests.training.world import SEVEN


@pytest.fixture(scope="module")
def encoder() -> QueryEncoder:
    return QueryEncoder()


def test_embeddings_are_unit_vectors_that_know_meaning(encoder: QueryEncoder) -> None:
    with bounded_threads(2):
        rows = encoder.encode(
            ["Tom has 3 apples and buys 2.", "Ann owns 5 pears and gets 4.", "def sort(items): ..."]
        )
        assert torch.get_num_threads() == 2
    assert rows.shape == (3, EMBEDDING_SIZE)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_an_embedding_depends_on_no_other_text(encoder: QueryEncoder) -> None:
    texts = ["short", "a much longer text " * 20, "3 + 4 = ?"]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.array_equal(together, alone)


def test_operators_are_embedded_in_catalogue_order(encoder: QueryEncoder) -> None:
    rows = encoder.encode_operators(SEVEN)
    assert rows.shape == (len(SEVEN), EMBEDDING_SIZE)
    assert np.array_equal(rows[1:2], encoder.encode([SEVEN.specs[1].description]))


def test_nothing_to_encode_needs_no_model() -> None:
    assert QueryEncoder().encode([]).shape == (0, EMBEDDING_SIZE)
