"""Which option an answer chooses, when the number of options is known."""

import pytest

from lamas.answers.reading import find_answer

TEN = ("",) * 10
FOUR = ("",) * 4
CHOSEN: list[tuple[str, tuple[str, ...], str | None]] = [
    ("The correct letter is D, the only choice a reasonable court makes.", TEN, "D"),
    ("The choice a court makes is (C).", TEN, "C"),
    ("The best answer is therefore option (E).", TEN, "E"),
    ("The correct option is: **G**", TEN, "G"),
    ("A is incorrect. So the answer is C", TEN, "C"),
    ("Option B is wrong. Option C is right.", TEN, "C"),
    ("It is (B), not (C).", TEN, "B"),
    ("The answer is not B but D.", TEN, "D"),
    ("The answer is a matter of taste.", TEN, None),
    ("I think it is hard.", TEN, None),
    ("The closest answer is $5.03. The answer is (E).", TEN, "E"),
    ("Hence, the answer is (A", TEN, "A"),
    ("We find it so:\n\nB. the developer, because he owned it.", TEN, "B"),
    # letters that are no choice, and formulas that were cut off
    ("so E = m c^2 and the force is F = G", TEN, None),
    ("we get $T_1 = 300 K and R", TEN, None),
    ("The answer is (K).", TEN, None),
    ("The answer is (E).", FOUR, None),
    ("The temperature is 25 C", TEN, None),
    ("so that U = N k T, where T", TEN, None),
    ("the reactance of the rotor is X, and $P = I^2 R$ gives B", TEN, None),
    # a list of answers to the examples of the prompt, and a summary of them
    ("The answer is (A).\n\nThe answer is (H).\n\nThe answer is (C).", TEN, "C"),
    ("It is diffusion, as the market adopts it. The rate is thus known. The answer is (G).\n\n"
     "Final Answer: The answer is (F).", TEN, "G"),
    ("It is diffusion, as the market adopts it. The rate is thus known. The answer is (G).\n\n"
     "Wait, that was wrong. The answer is (F).", TEN, "F"),
    # the text of an option
    ("The answer is 240 W.", ("60 W", "240 W", "24 W"), "B"),
    ("The answer is 24 W or so", ("60 W", "240 W", "24 W"), None),
    (r"\boxed{60\text{ W}}", ("60 W", "240 W"), "A"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "choices", "letter"), CHOSEN)
def test_a_letter_counts_only_as_one_of_the_choices(
    text: str, choices: tuple[str, ...], letter: str | None
) -> None:
    assert find_answer("choice", text, choices).form == letter
