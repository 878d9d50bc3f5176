"""The query encoder: real weights, no hub, and a function of the text alone."""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from lamas.controller import EMBEDDING_SIZE, EmbeddingStore, EncoderKind, QueryEncoder
from lamas.controller.equal_lengths import equal_length_batches
from lamas.controller.int8 import Int8Linear
from lamas.controller.minilm import weights_folder
from lamas.controller.threads import bounded_threads
from lamas.errors import ConfigurationError, ControllerError
from tests.training.world import SEVEN

WORDS = ["which", "of", "these", "apples", "did", "Ann", "give", "to", "her", "first", "friend"]

# Apart, because of the memory that this library takes.
PUBLISHED = """
import json, os, sys
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu", local_files_only=True)
made = model.encode(json.load(sys.stdin), batch_size=1, show_progress_bar=False)
print(json.dumps(made.tolist()))
"""


@pytest.fixture(scope="module")
def encoder() -> QueryEncoder:
    return QueryEncoder()


def _texts(count: int) -> list[str]:
    """Many share a length, some have one of their own, one is cut."""
    chance = random.Random(0)
    made = [" ".join(chance.choices(WORDS, k=chance.choice([1, 7, 7, 30]))) for _ in range(count)]
    return [*made, "cut after some time " * 80, "alone in its length, 3 + 4 = ?"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_embeddings_are_those_of_the_published_pipeline(encoder: QueryEncoder) -> None:
    texts = _texts(20)
    program = [sys.executable, "-c", PUBLISHED, str(weights_folder())]
    said = subprocess.run(
        program, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    assert np.abs(encoder.encode(texts) - np.array(json.loads(said.stdout))).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "int8", "words"])
def test_an_embedding_depends_on_no_other_text(kind: EncoderKind) -> None:
    texts = _texts(60)
    encoder = QueryEncoder(kind=kind, workers=2)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.array_equal(encoder.encode(texts), alone)
    assert np.array_equal(encoder.encode(texts[::-1])[::-1], alone)
    assert np.array_equal(QueryEncoder(kind=kind, workers=1).encode(texts), alone)


@pytest.mark.slow
def test_integers_change_an_embedding_little(encoder: QueryEncoder) -> None:
    texts = _texts(20)
    exact, fast = encoder.encode(texts), QueryEncoder(kind="int8").encode(texts)
    alike = np.sum(exact * fast, axis=1)
    assert alike.min() > 0.97
    assert not np.array_equal(exact, fast)


def test_a_row_in_integers_is_the_product_of_what_was_rounded() -> None:
    with bounded_threads(1), torch.random.fork_rng():
        torch.manual_seed(0)
        linear, rows = nn.Linear(48, 16), torch.randn(5, 48)
        made = Int8Linear(linear)(rows)
        naive = np.stack([_rounded(linear, row) for row in rows.numpy()])
        assert np.allclose(made.numpy(), naive, atol=0.001)
        assert torch.allclose(made, linear(rows), atol=0.05)


def _rounded(linear: nn.Linear, row: NDArray[np.float32]) -> NDArray[np.float64]:
    """One weight and one number at a time."""
    weights: NDArray[np.float32] = linear.weight.detach().numpy()
    made: NDArray[np.float64] = linear.bias.detach().numpy().astype(np.float64)
    scale = np.abs(row).max() / 127
    for j, weight in enumerate(weights):
        own = np.abs(weight).max() / 127
        products = [
            round(float(x / scale)) * round(float(w / own))
            for x, w in zip(row, weight, strict=True)
        ]
        made[j] += scale * own * sum(products)
    return made


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100))
def test_batches_hold_each_text_once_and_equal_lengths(lengths: list[int], most: int) -> None:
    batches = equal_length_batches(lengths, most)
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({lengths[position] for position in batch}) == 1
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= most


def test_operators_are_embedded_in_catalogue_order(encoder: QueryEncoder) -> None:
    rows = encoder.encode_operators(SEVEN)
    assert rows.shape == (len(SEVEN), EMBEDDING_SIZE)
    assert np.array_equal(rows[1:2], encoder.encode([SEVEN.specs[1].description]))


def test_nothing_to_encode_needs_no_model() -> None:
    assert QueryEncoder().encode([]).shape == (0, EMBEDDING_SIZE)


def test_what_is_kept_is_not_computed_again(
    encoder: QueryEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["one text", "another text", "one text"]
    path = tmp_path / "home" / "embeddings.sqlite"
    made = QueryEncoder(store=EmbeddingStore(path)).encode(texts)
    assert np.array_equal(made, encoder.encode(texts))

    def nothing(kind: EncoderKind) -> None:
        raise AssertionError(f"the model {kind} was loaded")

    monkeypatch.setattr("lamas.controller.encoder._model", nothing)
    assert np.array_equal(QueryEncoder(store=EmbeddingStore(path)).encode(texts), made)
    with pytest.raises(AssertionError, match="loaded"):
        QueryEncoder(kind="int8", store=EmbeddingStore(path)).encode(texts)


def test_a_file_that_holds_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.sqlite"
    path.write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match=r"embeddings\.sqlite cannot be used .*delete"):
        EmbeddingStore(path).get(["key"])


@pytest.mark.slow
def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ControllerError, match="'int4' is unknown; choose one of float32, int8"):
        QueryEncoder(kind="int4")  # pyright: ignore[reportArgumentType]
