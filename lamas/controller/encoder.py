"""How text becomes an embedding: a function of that text alone, whatever it is encoded beside."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from lamas.controller.embedding_store import EMBEDDING_SIZE, EmbeddingStore
from lamas.controller.equal_lengths import equal_length_batches
from lamas.controller.int8 import use_int8
from lamas.controller.minilm import Tokens, load_minilm, weights_version
from lamas.controller.threads import bounded_threads
from lamas.controller.words import WordMeans
from lamas.domain import OperatorSet, digest
from lamas.errors import ControllerError

EncoderKind = Literal["float32", "int8", "words"]
ENCODER_KINDS: tuple[EncoderKind, ...] = get_args(EncoderKind)

_LOADING = threading.Lock()


class Embeds(Protocol):
    """Tokens of texts, and vectors of length 1 of texts that have equally many of them."""

    def tokens(self, texts: Sequence[str]) -> list[Tokens]: ...
    def embed(self, batch: Sequence[Tokens]) -> NDArray[np.float32]: ...


class QueryEncoder:
    """e(x): 384 numbers of length 1 for each text."""

    def __init__(
        self,
        *,
        kind: EncoderKind = "float32",
        workers: int | None = None,
        store: EmbeddingStore | None = None,
    ) -> None:
        """The model is loaded at the first text that is not in `store`, which takes seconds.

        `kind`: as published; with linear layers in 8-bit integers, which are faster and give
        slightly other embeddings; or the mean of the word vectors alone, which takes next to no
        time and knows no context. `workers` batches are encoded side by side, each on one thread;
        None is one for each core that this process may use. Raises ControllerError for an unknown
        kind.
        """
        if kind not in ENCODER_KINDS:
            raise ControllerError(
                f"encoder {kind!r} is unknown; choose one of {', '.join(ENCODER_KINDS)}"
            )
        self.kind: EncoderKind = kind
        self._workers = workers or _cores()
        self._store = store
        self._model: Embeds | None = None
        self._alone: dict[tuple[int, int], bool] = {}
        """Whether a batch of (texts, tokens) gave other bits than its last text by itself."""

    @property
    def identity(self) -> str:
        """What determines an embedding besides the text."""
        return f"all-MiniLM-L6-v2 {weights_version()} {self.kind}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, float32 of shape [len(texts), 384].

        Equal texts have equal bits, whatever they are encoded with: only texts with equally many
        tokens share a batch, and a shape of batch whose last text comes out otherwise than by
        itself is not used. Texts beyond 256 tokens are cut by the model. Raises ControllerError
        when the weights cannot be loaded.
        """
        if not texts:
            return np.zeros((0, EMBEDDING_SIZE), dtype=np.float32)
        keys = {text: digest(self.identity, text) for text in texts}
        known = {} if self._store is None else self._store.get(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        if missing:
            made = dict(zip((keys[text] for text in missing), self._computed(missing), strict=True))
            if self._store is not None:
                self._store.put(made)
            known |= made
        return np.stack([known[keys[text]] for text in texts])

    def encode_operators(self, operators: OperatorSet) -> NDArray[np.float32]:
        """e(o) of every operator's description, [O, 384] in catalogue order."""
        return self.encode([spec.description for spec in operators.specs])

    def _computed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        model = self._loaded()
        tokens = model.tokens(texts)
        batches = equal_length_batches([len(item) for item in tokens])
        made = np.empty((len(texts), EMBEDDING_SIZE), dtype=np.float32)

        def encode(batch: tuple[int, ...]) -> None:
            made[list(batch)] = self._embedded(model, [tokens[position] for position in batch])

        # One torch thread for each worker: which worker takes a batch cannot change its bits.
        with bounded_threads(1), ThreadPoolExecutor(min(self._workers, len(batches))) as pool:
            for _ in pool.map(encode, batches):
                pass
        return made

    def _embedded(self, model: Embeds, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        if len(batch) == 1:
            return model.embed(batch)
        # A library may choose another kernel for another number of rows: asked once a shape.
        shape = (len(batch), len(batch[0]))
        if not self._alone.get(shape, False):
            together = model.embed(batch)
            if shape not in self._alone:
                self._alone[shape] = not np.array_equal(together[-1:], model.embed(batch[-1:]))
            if not self._alone[shape]:
                return together
        return np.concatenate([model.embed([tokens]) for tokens in batch])

    def _loaded(self) -> Embeds:
        if self._model is None:
            with _LOADING:
                self._model = _model(self.kind)
        return self._model


# Frozen: one of a kind for all encoders of a process, whose weights take 90 MB.
@cache
def _model(kind: EncoderKind) -> Embeds:
    loaded = load_minilm()
    if kind == "int8":
        use_int8(loaded.bert)
    return WordMeans(loaded) if kind == "words" else loaded


def forget_models() -> None:
    """Give the memory of the weights back; the next text that is not kept loads them again."""
    _model.cache_clear()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
