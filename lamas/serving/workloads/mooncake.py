"""The Mooncake trace (kvcache-ai/Mooncake, FAST 2025): single calls with hashes of their prefixes.

JSON lines with timestamp (ms), input_length, output_length and hash_ids, one id for each 512 tokens
of the prompt; equal ids are equal text behind an equal prefix.
"""

import json
from pathlib import Path

from pydantic import BaseModel, ValidationError

from lamas.errors import ConfigurationError
from lamas.serving.workloads.workflow import Arrival, CallTruth, Piece, Workflow

BLOCK_TOKENS = 512


class _Line(BaseModel):
    timestamp: float
    input_length: int
    output_length: int
    hash_ids: list[int]


def mooncake_arrivals(
    path: Path, *, model: str, max_tokens: int = 2048, name: str = "mooncake"
) -> tuple[Arrival, ...]:
    """Calls at their own times; ConfigurationError names the first line that is no record."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the Mooncake trace {path} cannot be read: {error}") from None
    found: list[Arrival] = []
    for number, line in enumerate(lines):
        try:
            read = _Line.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            reason = " ".join(str(error).split())[:150]
            raise ConfigurationError(
                f"line {number + 1} of {path} is no Mooncake record: {reason}"
            ) from None
        call = CallTruth(
            role=name,
            model=model,
            layer=0,
            output_tokens=min(max(read.output_length, 1), max_tokens),
            max_tokens=max_tokens,
            prompt=_prompt(read),
        )
        workflow = Workflow(workflow_type=name, calls=(call,))
        found.append(Arrival(read.timestamp / 1000, workflow, number, f"{name}{number}"))
    return tuple(sorted(found, key=lambda item: item.at))


def _prompt(read: _Line) -> tuple[Piece, ...]:
    left = max(read.input_length, 1)
    pieces: list[Piece] = []
    for identity in read.hash_ids:
        tokens = min(BLOCK_TOKENS, left)
        if not tokens:
            break
        pieces.append(Piece(identity, tokens, private=False))
        left -= tokens
    if left:
        pieces.append(Piece(0, left))
    return tuple(pieces)
