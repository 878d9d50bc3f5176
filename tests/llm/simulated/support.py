"""Problems, profiles and requests that the tests of the simulated endpoint share."""

from collections.abc import Mapping, Sequence

from openai import AsyncOpenAI, omit
from openai.types.chat import ChatCompletion

from lamas.llm.simulated import SimulatedProblem, SimulatedProfile, load_profile, parse_profile


def arithmetic(
    count: int, *, benchmark: str = "sums", difficulty: float | None = None
) -> list[SimulatedProblem]:
    """Numeric problems with distinct questions and answers of four digits."""
    return [
        SimulatedProblem(
            problem_id=f"{benchmark}/v/{index}",
            family="math",
            question=f"A shop sells {index} boxes and then 1000 more. How many boxes is that?",
            reference=str(1000 + index),
            difficulty=difficulty,
        )
        for index in range(count)
    ]


def changed_profile(**sections: object) -> SimulatedProfile:
    """The shipped profile with whole keys replaced."""
    return parse_profile({**load_profile().model_dump(), **sections})


def bearer(key: str) -> dict[str, str]:
    """The header that a client sends for `key`."""
    return {"authorization": f"Bearer {key}"}


def labels(
    problem: SimulatedProblem | None = None,
    operator: str = "GenerateCoT",
    stage: int = 0,
    branch: int = 0,
    attempt: int | None = None,
) -> dict[str, str]:
    """Headers as the client of this project sends them."""
    given = {"operator": operator, "stage": str(stage), "branch": str(branch)}
    if problem is not None:
        given["problem_id"] = problem.problem_id
    if attempt is not None:
        given["attempt"] = str(attempt)
    return {f"x-lamas-{name}": value for name, value in given.items()}


async def ask(
    client: AsyncOpenAI,
    prompt: str,
    headers: Mapping[str, str],
    *,
    seed: int | None = 1,
    temperature: float = 1.0,
    max_tokens: int = 4096,
    n: int = 1,
) -> ChatCompletion:
    """One request that does not stream."""
    return await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": prompt}],
        extra_headers=dict(headers),
        temperature=temperature,
        max_tokens=max_tokens,
        n=n,
        seed=omit if seed is None else seed,
    )


def text_of(completion: ChatCompletion, choice: int = 0) -> str:
    content = completion.choices[choice].message.content
    assert content is not None
    return content


def says(text: str, problem: SimulatedProblem) -> bool:
    """Whether a text ends in the right answer."""
    return text.endswith(f"\\boxed{{{problem.reference}}}")


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)
