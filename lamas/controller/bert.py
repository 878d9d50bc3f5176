"""The forward pass of BERT over texts of equal length (Devlin et al., 2019), on torch alone."""

from dataclasses import dataclass

from torch import Tensor, empty, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class BertShape:
    """What the weights of one BERT are shaped by."""

    words: int
    positions: int
    segments: int
    width: int
    inner: int
    layers: int
    heads: int
    epsilon: float
    """Added to the variance by every normalisation."""


class Bert(nn.Module):
    """Token ids [B, L] to hidden states [B, L, width]; nothing is masked, as nothing is padded.

    Submodules are named as in the published weights, so `load_state_dict` takes them as they are.
    """

    def __init__(self, shape: BertShape) -> None:
        """Without weights: load them."""
        super().__init__()
        self.embeddings = _Embeddings(shape)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(_Layer(shape) for _ in range(shape.layers))}
        )

    def forward(self, ids: Tensor) -> Tensor:
        """[B, L] int64 to [B, L, width] float32."""
        hidden: Tensor = self.embeddings(ids)
        for layer in self.encoder.values():
            assert isinstance(layer, nn.ModuleList)
            for item in layer:
                hidden = item(hidden)
        return hidden


class _Embeddings(nn.Module):
    """Word, segment (always the first) and position, summed and normalised."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.word_embeddings = _table(shape.words, shape.width)
        self.position_embeddings = _table(shape.positions, shape.width)
        self.token_type_embeddings = _table(shape.segments, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, ids: Tensor) -> Tensor:
        words = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(words + self.position_embeddings.weight[: ids.shape[1]])


def _table(rows: int, width: int) -> nn.Embedding:
    # Drawing numbers that the file's replace would, without memory, import torch's compiler.
    return nn.Embedding.from_pretrained(empty(rows, width))


class _Layer(nn.Module):
    """Self-attention and two dense layers, each added to its input and normalised after."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.attention = _Attention(shape)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.width, shape.inner)})
        self.output = _Joined(shape.inner, shape)

    def forward(self, hidden: Tensor) -> Tensor:
        attended: Tensor = self.attention(hidden)
        inner = functional.gelu(self.intermediate["dense"](attended))
        return self.output(inner, attended)


class _Attention(nn.Module):
    """Every token to every token of its text, in several heads."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self._heads = shape.heads
        self.self = nn.ModuleDict(
            {name: nn.Linear(shape.width, shape.width) for name in ("query", "key", "value")}
        )
        self.output = _Joined(shape.width, shape)

    def forward(self, hidden: Tensor) -> Tensor:
        query, key, value = (
            made(hidden).unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for made in self.self.values()
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.output(mixed.transpose(1, 2).flatten(-2), hidden)


class _Joined(nn.Module):
    """A dense layer, added to what the part began with and normalised."""

    def __init__(self, inputs: int, shape: BertShape) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, made: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(made) + before)


def mean_direction(hidden: Tensor) -> Tensor:
    """[B, L, width] to [B, width]: the mean over the tokens, of length 1."""
    return functional.normalize(hidden.sum(1) / hidden.shape[1], dim=1)
