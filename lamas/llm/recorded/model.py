"""A model that answers with what a real one once said, at once, and says what it assumed."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from lamas.domain import (
    Clock,
    ModelCall,
    Problem,
    SecondsFrom,
    derive_seed,
    digest,
    prompt_digest,
    whole_ticks,
)
from lamas.errors import ConfigurationError, ModelRequestError
from lamas.llm.chat import ChatModel, ChatRequest, ChatResult
from lamas.llm.prices import Price
from lamas.llm.recorded.answers import AnswerKey, RecordedAnswer, RecordedAnswers, shortened
from lamas.llm.recorded.speeds import Speed
from lamas.llm.tokens import estimate_input_tokens, estimate_output_tokens


def _no_operators() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedSettings:
    """Whose answers are given, and how."""

    model: str
    """Name of the model in the file."""
    price: Price
    """What its tokens cost; nothing is paid."""
    speed: Speed | None = None
    """For answers whose seconds were not recorded."""
    time_scale: float = 0.0
    """Seconds to wait for each second that the answer takes; 0 never waits."""
    repeat: bool = False
    """Give recorded samples again where more are asked for than there are."""
    stands_for: Mapping[str, str] = field(default_factory=_no_operators)
    """Operators without answers of their own, and whose answers serve as theirs."""

    def __post_init__(self) -> None:
        if not 0 <= self.time_scale < float("inf"):
            raise ConfigurationError(f"llm.recorded.time_scale={self.time_scale} must be ≥ 0")


class RecordedChatModel:
    """Answers by question, operator, model and sample; safe to share between rollouts.

    A rollout's sample index, layer and parallel branch number the samples, so that within one
    rollout no answer is given twice. Tokens that were not recorded are characters / 4, rounded up;
    seconds that were not recorded follow from `settings.speed`; the record of the call says so.
    Nothing is sent, so no cap counts it.
    """

    def __init__(
        self,
        answers: RecordedAnswers,
        problems: Sequence[Problem],
        settings: RecordedSettings,
        *,
        fallback: ChatModel | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`fallback` is asked for what is not on record; its answers follow from the question,
        operator, model and sample alone, so that its response store gives them again.
        """
        self._answers = answers
        self._problems = {problem.problem_id: problem for problem in problems}
        self._alike: dict[str, list[Problem]] = defaultdict(list)
        """Problems by question: what one was answered, all were."""
        for problem in problems:
            self._alike[problem.question].append(problem)
        self._settings = settings
        self._fallback = fallback
        self._clock = clock or Clock()

    async def complete(self, request: ChatRequest) -> ChatResult:
        """The recorded answer; ModelRequestError, or the fallback's answer, where there is none."""
        labels = request.labels
        operator, sample = labels["operator"], _sample(labels)
        problem = self._problems.get(labels["problem_id"])
        if problem is None:
            raise ModelRequestError(
                f"recorded answers are of the benchmark's problems only, and "
                f"{labels['problem_id']} is none of them: choose another llm for it"
            )
        served = self._settings.stands_for.get(operator, operator)
        key, samples = self._found(problem, served, prompt_digest(request.messages))
        if sample < len(samples) or (samples and self._settings.repeat):
            return await self._given(request, samples[sample % len(samples)], key)
        if self._fallback is None:
            raise ModelRequestError(self._miss(problem, operator, sample, len(samples)))
        slot = ("recorded", key.question, operator, key.model, sample)
        return await self._fallback.complete(
            replace(request, sample_key=digest(*slot), seed=derive_seed(*slot))
        )

    def _found(
        self, problem: Problem, operator: str, prompt: str
    ) -> tuple[AnswerKey, tuple[RecordedAnswer, ...]]:
        own = self._answers.key(problem, operator, self._settings.model)
        alike = [item for item in self._alike[problem.question] if item is not problem]
        for key in (own, *(self._answers.key(item, operator, own.model) for item in alike)):
            samples = self._answers.samples(key, prompt)
            if samples:
                return key, samples
        return own, ()

    async def _given(
        self, request: ChatRequest, answer: RecordedAnswer, key: AnswerKey
    ) -> ChatResult:
        call = self._call(request, answer, key)
        if self._settings.time_scale:
            await asyncio.sleep(call.seconds * self._settings.time_scale)
        return ChatResult(text=answer.text, attempts=(call,))

    def _call(self, request: ChatRequest, answer: RecordedAnswer, key: AnswerKey) -> ModelCall:
        settings = self._settings
        inputs, outputs = answer.input_tokens, answer.output_tokens
        estimated = inputs is None or outputs is None
        if inputs is None:
            inputs = estimate_input_tokens(request.messages)
        if outputs is None:
            outputs = estimate_output_tokens(answer.text)
        seconds, first, source = self._seconds(answer, outputs)
        started = whole_ticks(self._clock.now())
        return ModelCall(
            call_id=digest("recorded", key.question, key.operator, key.model, answer.sample),
            attempt=1,
            request_model=settings.model,
            request_temperature=request.temperature,
            request_max_tokens=request.max_tokens,
            request_seed=request.seed,
            request_messages=request.messages,
            response_model=settings.model,
            response_text=answer.text,
            response_finish_reasons=(answer.finish_reason or "stop",),
            usage_input_tokens=inputs,
            usage_output_tokens=outputs,
            usage_estimated=estimated,
            started_at=started,
            ended_at=started + whole_ticks(seconds),
            seconds_from=source,
            time_to_first_chunk_seconds=first,
            cost_usd=settings.price.cost_usd(inputs, outputs),
            status="ok",
        )

    def _seconds(
        self, answer: RecordedAnswer, outputs: int
    ) -> tuple[float, float | None, SecondsFrom]:
        """Seconds, those to the first token if known, and where they are from."""
        if answer.seconds is not None:
            return answer.seconds, answer.time_to_first_token_seconds, "recorded"
        speed = self._settings.speed
        if speed is None:
            raise ConfigurationError(
                f"{self._answers.path} holds no seconds of model {self._settings.model}, and no "
                "speed of it is declared: set llm.speed.time_to_first_token_seconds and "
                "llm.speed.tokens_per_second"
            )
        return speed.seconds(outputs), speed.time_to_first_token_seconds, "assumed"

    def _miss(self, problem: Problem, operator: str, sample: int, there: int) -> str:
        remedy = "record it, or name an endpoint that is asked instead in llm.fallback"
        if there:
            remedy = f"it has {there} of them; {remedy}, or set llm.recorded.repeat=true"
        return (
            f"{self._answers.path} has no answer to question {shortened(problem.question)} "
            f"({problem.problem_id}) by operator {operator}, model {self._settings.model}, sample "
            f"{sample}: {remedy}"
        )


def _sample(labels: Mapping[str, str]) -> int:
    # The same operator in a later layer asks anew: it must not be given the same answer.
    drawn = int(labels["sample"]) + int(labels["layer"]) - 1
    return drawn * int(labels["branches"]) + int(labels["branch"])
