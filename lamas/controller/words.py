"""What a text's words alone say: the mean of the vectors that the sentence encoder starts from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamas.controller.minilm import MiniLM, Tokens


class WordMeans:
    """Tokens in, unit vectors out, without the transformer: neither order nor context counts."""

    def __init__(self, model: MiniLM) -> None:
        """Takes the tokens and the word vectors of `model`."""
        self._model = model
        self._vectors = model.word_vectors()

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """As the sentence encoder reads them, cut where it cuts."""
        return self._model.tokens(texts)

    def embed(self, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        """[len(batch), 384]: each text's mean over its tokens, both marks left out."""
        return np.stack([self._mean(tokens) for tokens in batch])

    def _mean(self, tokens: Tokens) -> NDArray[np.float32]:
        # A text without words is what its marks are.
        words = tokens[1:-1] or tokens
        mean = self._vectors[list(words)].mean(axis=0, dtype=np.float64)
        return (mean / np.linalg.norm(mean)).astype(np.float32)
