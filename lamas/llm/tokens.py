"""How many tokens a text may have, where nobody counted them."""

from collections.abc import Sequence

from lamas.domain import ChatMessage

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English text under byte-pair encodings (OpenAI's tokenizer page)."""
TEMPLATE_TOKENS_PER_MESSAGE = 4
_MOST_TEMPLATE_TOKENS_PER_MESSAGE = 16


def estimate_output_tokens(text: str) -> int:
    """Likely tokens of `text`: at least 1 unless it is empty."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate_input_tokens(messages: Sequence[ChatMessage]) -> int:
    """Likely tokens of a prompt, chat template included."""
    return sum(
        estimate_output_tokens(message.content) + TEMPLATE_TOKENS_PER_MESSAGE
        for message in messages
    )


def most_input_tokens(messages: Sequence[ChatMessage]) -> int:
    """Upper bound: byte-level encodings never make more tokens than bytes."""
    return sum(
        len(message.content.encode(errors="replace")) + _MOST_TEMPLATE_TOKENS_PER_MESSAGE
        for message in messages
    )
