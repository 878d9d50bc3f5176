"""How many answers hold nothing to be judged, why, and what a user does about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamas.llm.remarks import NO_TEXT, ONLY_REASONING

MORE_TOKENS = "raise operators.max_tokens"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerEnd:
    """Answers that ended alike."""

    remarks: Sequence[str]
    finish_reasons: Sequence[str]
    count: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class EmptyAnswers:
    """How many of the answers given are empty."""

    given: int
    empty: int
    because: str
    """Of most of them, and what to do; "" where none is empty."""

    @classmethod
    def among(cls, ends: Iterable[AnswerEnd]) -> "EmptyAnswers":
        """Count over all answers, the good ones included."""
        given, reasons = 0, Counter[str]()
        for end in ends:
            given += end.count
            reason = why_empty(end.remarks, end.finish_reasons)
            if reason is not None:
                reasons[reason] += end.count
        # Of two that are equally frequent the same one every time.
        most = min(reasons.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        return cls(given=given, empty=reasons.total(), because=most[0])

    def __str__(self) -> str:
        return f"{self.empty} of {self.given} answers are empty because {self.because}"


def why_empty(remarks: Sequence[str], finish_reasons: Sequence[str]) -> str | None:
    """Why an answer is empty, as a clause with its remedy; None for one that is not."""
    cut_off = "length" in finish_reasons
    if ONLY_REASONING in remarks and cut_off:
        return f"the model was still thinking when its tokens were spent: {MORE_TOKENS}"
    if ONLY_REASONING in remarks:
        return (
            "the model thought and then said nothing: switch thinking off, for many servers with "
            "llm.extra_body.chat_template_kwargs.enable_thinking=false"
        )
    if NO_TEXT not in remarks:
        return None
    if cut_off:
        return (
            "their tokens were spent before any text, as with models that think unseen: "
            f"{MORE_TOKENS}"
        )
    if "content_filter" in finish_reasons:
        return "the endpoint's content filter took them: ask its operator, or another model"
    ended = ", ".join(finish_reasons) or "nothing"
    return f"the endpoint sent no text (finish_reason {ended}): try `lamas ask` with this model"
