"""How many tokens an answer took: what the endpoint reports of it, where that can be."""

from dataclasses import dataclass

from lamas.llm.answer_parts import mapping
from lamas.llm.remarks import USAGE_IMPOSSIBLE, USAGE_INCOMPLETE

MOST_TOKENS = 10_000_000
"""No model takes in or writes more at a time; a larger count is a fault of whoever counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenUsage:
    """Tokens of one attempt."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Those of `input` that came from the endpoint's prompt cache."""
    estimated: bool = False
    remarks: tuple[str, ...] = ()


class ReportedUsage:
    """What chunks or a body say of the usage so far; counts that cannot be are as good as none."""

    def __init__(self) -> None:
        self.impossible: str | None = None
        """The first count that could not be, as `name=value`."""
        self._counts: dict[str, int] = {}

    @property
    def anything(self) -> bool:
        """Whether any count was reported that can be."""
        return bool(self._counts)

    def add(self, usage: object) -> None:
        """Take in a usage object; a count that is missing leaves the one before it standing."""
        fields = mapping(usage)
        details = mapping(fields.get("prompt_tokens_details"))
        for name, given in (
            ("prompt_tokens", fields.get("prompt_tokens")),
            ("completion_tokens", fields.get("completion_tokens")),
            ("cached_tokens", details.get("cached_tokens")),
            # DeepSeek, Moonshot, Anthropic behind a gateway.
            ("cached_tokens", fields.get("prompt_cache_hit_tokens")),
            ("cached_tokens", fields.get("cached_tokens")),
            ("cached_tokens", fields.get("cache_read_input_tokens")),
        ):
            if given is None:
                continue
            count = token_count(given)
            if count is None:
                self.impossible = self.impossible or f"{name}={str(given)[:40]}"
            else:
                self._counts[name] = count

    def add_timings(self, timings: object) -> None:
        """Take in what llama.cpp counts with every chunk: an answer that is not read to its end
        has no other usage."""
        fields = mapping(timings)
        fresh, cached, written = (
            token_count(fields.get(name)) for name in ("prompt_n", "cache_n", "predicted_n")
        )
        if fresh is not None and cached is not None and written is not None:
            counts = {"prompt_tokens": fresh + cached, "cached_tokens": cached}
            self._counts |= {**counts, "completion_tokens": written}

    def tokens(self, *, likely_input: int, likely_output: int) -> TokenUsage:
        """The usage of an answer; `likely_…` are estimates for what was not reported."""
        reported_input = self._counts.get("prompt_tokens") or None
        reported_output = self._counts.get("completion_tokens")
        if not reported_output and likely_output:
            # A text of no tokens was not counted.
            reported_output = None
        used = likely_input if reported_input is None else reported_input
        cached = self._counts.get("cached_tokens", 0)
        if cached > used:
            self.impossible = self.impossible or f"cached_tokens={cached} of {used}"
        missing = reported_input is None or reported_output is None
        remarks = [USAGE_IMPOSSIBLE] if self.impossible else []
        if missing and not self.impossible:
            remarks = [USAGE_INCOMPLETE]
        return TokenUsage(
            input=used,
            output=likely_output if reported_output is None else reported_output,
            cached=min(cached, used),
            estimated=missing,
            remarks=tuple(remarks),
        )


def token_count(value: object) -> int | None:
    """`value` as a number of tokens; None where it is none that an answer can have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if 0 <= value <= MOST_TOKENS else None
