"""Every kind of answer that was once read wrong, in tables of the verdicts that are right."""

import pytest

from tests.answers.judging import Pair, judged

TINY: list[Pair] = [
    ("math", r"\frac{1}{2^{99}}", r"\boxed{\frac{1}{2^{98}}}", False),
    ("math", r"\frac{1}{2^{99}}", r"\boxed{2^{-99}}", True),
    ("math", "0.0000672", r"\boxed{0.0000671}", False),
    ("math", "0.0000672", r"\boxed{6.72 \times 10^{-5}}", True),
    ("math", r"(\frac{1}{2^{99}}, 1)", r"\boxed{(\frac{1}{2^{98}}, 1)}", False),
    ("math", r"\frac{x}{2^{99}}", r"\boxed{\frac{x}{2^{98}}}", False),
    ("math", r"\sqrt{2} \cdot 10^{-9}", r"\boxed{\sqrt{3} \cdot 10^{-9}}", False),
    ("math", r"\frac{1}{3}", r"\boxed{0.333333}", True),
    ("number", "0", r"\boxed{0.0000005}", False),
    ("number", "0.0000672", r"\boxed{0.0000671}", False),
    ("number", "0.0000672", r"\boxed{6.72 \times 10^{-5}}", True),
    ("number", "1000000", "1000001", False),
    ("number", "0.3", "0.30000000000000004", True),
    ("number", "1e-30", "2e-30", False),
]
NO_PARSE: list[Pair] = [
    ("math", r"1-\frac{1}{\mathrm{e}}", r"\boxed{1+\frac{1}{\mathrm{e}}}", False),
    ("math", r"1-\frac{1}{\mathrm{e}}", r"\boxed{1-\frac{1}{\mathrm{e}}}", True),
    ("math", r"1-\frac{1}{\mathrm{e}}", r"\boxed{\frac{e-1}{e}}", True),
    ("math", "3", r"\boxed{3\undefinedmacro{x}}", False),
    ("math", r"2+\foo{5}", r"\boxed{2+\bar{6}}", False),
    ("math", "10", r"\boxed{10 \begin{oops}}", False),
    ("math", "3+2i", r"\boxed{3+2\mathrm{i}}", True),
]
DROPPED: list[Pair] = [
    ("math", "4", r"\boxed{4\sqrt(2)}", False),
    ("math", r"4\sqrt{2}", r"\boxed{4\sqrt(2)}", True),
    ("math", "2", r"\boxed{\sqrt[3](8)}", True),
    ("math", r"\frac{1}{2}", r"\boxed{\frac(1)(2)}", True),
    ("math", "5", r"\boxed{5\pmod{7}}", False),
    ("math", "1011", r"\boxed{1011_2+0}", False),
    ("math", r"\frac{1}{3}", r"\boxed{0.\overline{3}}", True),
    ("math", "3", r"\boxed{3!}", False),
]
RANGES: list[Pair] = [
    ("math", r"(-\infty,3)", r"\boxed{x<3}", True),
    ("math", "x<3", r"\boxed{(-\infty,3)}", True),
    ("math", "(-1,5]", r"\boxed{-1 < x \le 5}", True),
    ("math", r"-1 < x \le 5", r"\boxed{(-1,5]}", True),
    ("math", r"[2,\infty)", r"\boxed{x \geq 2}", True),
    ("math", r"(-\infty,-1)\cup(2,\infty)", r"\boxed{x < -1 \text{ or } x > 2}", True),
    ("math", r"x \ne 3", r"\boxed{(-\infty,3)\cup(3,\infty)}", True),
    ("math", "(-1,5)", r"\boxed{-1 < x \le 5}", False),
    ("math", "x<3", r"\boxed{(-\infty,3]}", False),
]
BOX_AS_WORD: list[Pair] = [
    ("math", "7", r"The answer is 7. I put it in \boxed as asked.", True),
    ("number", "7", r"The answer is 7. I put it in \boxed as asked.", True),
    ("number", "7", r"The answer is 7, written in \boxed{} as you want.", True),
    ("math", "7", r"The answer is 7. (Format: \boxed{\text{your answer}})", True),
    ("exact", "Paris", r"I use \boxed notation." + "\nThe answer is Paris", True),
    ("number", "7", r"\boxed is a command. \boxed{7}", True),
    ("math", r"\frac{1}{2}", r"So \boxed\frac{1}{2}", True),
    ("number", "18", r"\boxed(18)", True),
    ("choice", "B", r"The answer is B, which I put in \boxed as asked.", True),
]
SENTENCES: list[Pair] = [
    ("math", "12", "The answer is 12, not 13", True),
    ("math", "5,-5", "so $x=5$ or $x=-5$", True),
    ("math", "5,-5", "The answer is x = 5 or x = -5", True),
    ("math", "5", "so $x=5$ or $x=-5$", False),
    ("math", "12", "The answer is 12, since 13 would be too much.", True),
    ("math", "12", "The answer is not 13 but 12.", True),
    ("math", "1,2,3", "So the solutions are $1$, $2$ and $3$.", True),
    ("math", r"\frac{1}{2}", r"The answer is therefore $\frac12$, not $\frac13$", True),
    ("exact", "Paris", "The answer is Paris, not Rome.", True),
    ("exact", "Paris", "The answer is Paris. It is the capital of France.", True),
    ("exact", "St. Louis", "The answer is St. Louis.", True),
    ("number", "12", "The final answer: 12. (Not 13.)", True),
]
RUN_ON: list[Pair] = [
    ("number", "18", "... #### 18\n\nQuestion: Ann has 5 pens.\n#### 5", True),
    ("number", "18", "The answer is 18.\n\nQ: How many?\nA: The answer is 5.", True),
    ("number", "18", "18\n\nQ: And of 5?\nA: 5", True),
    ("math", "18", r"\boxed{18}" + "\n\nProblem 2: Halve 10.\n" + r"\boxed{5}", True),
    ("exact", "yes", "So the answer is yes.\n\nQ: Is it so?\nA: So the answer is no.", True),
    ("choice", "B", "The answer is (B).\n\nQuestion: 1+1?\nThe answer is (C).", True),
    ("number", "18", "The answer is 18.<|im_end|>\n<|im_start|>user\nThe answer is 5?", True),
    ("number", "18", "Question: how many eggs remain?\nThe answer is 18.", True),
    ("choice", "A", "It is so. The answer is (A).\n\nNow, combining all the answers: (F)", True),
]
LAST_NUMBER: list[Pair] = [
    ("number", "12", "The answer is 12 because 3 * 4 = 12 and not 3 + 4 = 7.", True),
    ("math", "12", "The answer is 12 because 3 * 4 = 12 and not 3 + 4 = 7.", True),
    ("number", "12", "The answer is 12 (since 3 + 4 = 7 is too small).", True),
    ("number", "12", "Answer: 12 eggs, as 24 / 2 = 12 and 24 / 3 = 8", True),
    ("number", "7", "The answer is 3 + 4 = 7.", True),
    ("number", "10", "The answer is 5 eggs * 2 = 10 eggs.", True),
    ("number", "12", "The answer is 12 = 3 * 4.", True),
    ("number", "8", "Answer: 12 minus 4 = 8, not 12 + 4 = 16", True),
    ("number", "13", "The answer is 12 and 13 is wrong. The answer is 13.", True),
]
SPELLINGS: list[Pair] = [
    ("number", "12000", "The answer is 12 000.", True),
    ("number", "2.5", "The answer is 2½.", True),
    ("number", "0.75", "¾", True),
    ("number", "1234567", "1'234'567", True),
    ("number", "1234567.89", "1.234.567,89", True),
    ("number", "100000", "₹1,00,000", True),
    ("number", "2.5", "The answer is 2,5 km.", True),
    ("number", "0.25", "0,25", True),
    ("number", "1000000", "10^6", True),
    ("number", "5000", "5 × 10³", True),
    ("number", "2.5", "The answer is 2 and 1/2.", True),
    ("number", "12000", "She earns 12\u00a0000 a year", True),
    ("number", "1000", "The answer is 1,000.", True),
    ("number", "500000", "5 lakh", True),
]
FREE_TEXT: list[Pair] = [
    ("squad", "Chief of Protocol", "The answer is the Chief of Protocol", True),
    ("squad", "Chief of Protocol", "chief of protocol.", True),
    ("squad", "The Beatles", "Answer: Beatles", True),
    ("squad", '["New York", "NYC"]', "The answer is NYC.", True),
    ("squad", "Chief of Protocol", "The answer is a Chief", False),
    ("squad", "don't", "The answer is dont", True),
    ("squad", "1969", r"\boxed{1969}", True),
    ("squad", "yes", "no", False),
    ("exact", "(B)", "So the answer is (B).", True),
    ("exact", "(B)", "So the answer is B.", True),
]
THINKING: list[Pair] = [
    ("number", "3", "<think>\\boxed{1}</think>\nFinal: 3", True),
    ("math", "3", "<think>\\boxed{1}</think>\n$3$", True),
    ("exact", "Paris", "<think>Rome?</think>Paris", True),
    ("exact", "Paris", "Rome it may be</think>\n\nParis", True),
    ("number", "3", "<think>The answer is 3, or is it", False),
    ("choice", "B", "<thinking>The answer is (A).</thinking> The answer is (B).", True),
    ("number", "3", "<think>1<think>2</think>\n3", True),
    ("number", "3", "<|channel|>analysis<|message|>7<|end|><|channel|>final<|message|>3", True),
    ("number", "3", "[THINK]the answer is 7[/THINK]3", True),
    ("squad", "Paris", "◁think▷Rome◁/think▷The answer is Paris", True),
    ("number", "5", "<think>\n\n</think>\n\n5", True),
    ("exact", "say <think>", "say <think>", False),
]
KINDS = {
    "tiny": TINY,
    "no parse": NO_PARSE,
    "dropped": DROPPED,
    "ranges": RANGES,
    "box as a word": BOX_AS_WORD,
    "sentences": SENTENCES,
    "run-on": RUN_ON,
    "last number": LAST_NUMBER,
    "spellings": SPELLINGS,
    "free text": FREE_TEXT,
    "thinking": THINKING,
}


@pytest.mark.parametrize(
    ("pair"),
    [pair for pairs in KINDS.values() for pair in pairs],
    ids=[f"{kind}-{number}" for kind, pairs in KINDS.items() for number in range(len(pairs))],
)
async def test_the_verdict_is_right(pair: Pair) -> None:
    scorer, reference, answer, right = pair
    score = await judged(scorer, reference, answer)
    assert score.value == float(right), score


def test_every_kind_has_enough_examples() -> None:
    assert all(len(pairs) >= 6 for pairs in KINDS.values())
