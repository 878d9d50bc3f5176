"""Hidden tests decide what passes; nothing a program does to its own interpreter does."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from lamas.sandbox import Judgement, JudgingSandbox, ProcessSandbox, judge
from tests.sandbox.proving_ground import LIMITS, Ground

QUICK = replace(LIMITS, wall_seconds=3.0, processes=4, output_bytes=200_000)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A small problem in the shape of a function to complete and a hidden check."""

    name: str
    prompt: str
    body: str
    check: str


SAMPLES = (
    Sample(
        name="double_all",
        prompt="from typing import List\n\ndef double_all(items: List[int]) -> List[int]:\n",
        body="    return [2 * item for item in items]\n",
        check="assert candidate([1, 2]) == [2, 4]\nassert candidate([]) == []",
    ),
    Sample(
        name="root_of",
        prompt=(
            "import math\n\ndef line(a: float, b: float, x: float):\n    return a * x + b\n"
            "\ndef root_of(a, b):\n    '''x with line(a, b, x) == 0'''\n"
        ),
        body="    return -b / a\n",
        check=(
            "import random\nrng = random.Random(1)\nfor _ in range(50):\n"
            "    a, b = rng.uniform(1, 9), rng.uniform(-9, 9)\n"
            "    assert math.fabs(line(a, b, candidate(a, b))) < 1e-9"
        ),
    ),
    Sample(
        name="index_words",
        prompt="def index_words(text, *, lower=False):\n",
        body=(
            "    words = (text.lower() if lower else text).split()\n"
            "    return {word: (words.count(word), {i for i, w in enumerate(words) if w == word})"
            " for word in words}\n"
        ),
        check=(
            "assert candidate('b B b', lower=True) == {'b': (3, {0, 1, 2})}\n"
            "assert index_words('a b') == {'a': (1, {0}), 'b': (1, {1})}\n"
            "assert type(candidate('a')['a']) is tuple"
        ),
    ),
    Sample(
        name="positive_root",
        prompt="def positive_root(x):\n",
        body=(
            "    if x < 0:\n        raise type('Negative', (ValueError,), {})('negative')\n"
            "    return None if x == 0 else x ** 0.5\n"
        ),
        check=(
            "assert candidate(0) is None\nassert candidate(4.0) == 2.0\ntry:\n    candidate(-1)\n"
            "except ValueError as error:\n    assert str(error) == 'negative'\n"
            "else:\n    assert False"
        ),
    ),
    Sample(
        name="evens",
        prompt="def evens(n):\n",
        body="    return (i for i in range(0, n, 2))\n",
        check="assert list(candidate(5)) == [0, 2, 4]\nassert candidate(2) != [0]",
    ),
    Sample(
        name="bytes_and_big",
        prompt="def bytes_and_big(data, n):\n",
        body="    return data[::-1], 7 ** n, float('inf'), True, 1j, range(n)\n",
        check=(
            "import math\n"
            "got = candidate(b'\\x00\\xff', 9000)\n"
            "assert got == (b'\\xff\\x00', 7 ** 9000, math.inf, True, 1j, range(9000))\n"
            "assert got[3] is True"
        ),
    ),
    Sample(
        name="with_class",
        prompt="from dataclasses import dataclass\n\ndef with_class(x):\n",
        body=(
            "    return Point(x, x).x + counter()\n\n@dataclass\nclass Point:\n    x: int\n"
            "    y: 'int'\n\nstate = []\n"
            "def counter():\n    state.append(1)\n    return len(state)\n"
        ),
        check="assert candidate(1) == 2\nassert candidate(1) == 3",
    ),
)


async def _judge(sandbox: JudgingSandbox, sample: Sample, program: str) -> Judgement:
    return await judge(
        sandbox, program, sample.check, names=[sample.name], setup=sample.prompt, limits=QUICK
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_correct_program_passes(sandbox: ProcessSandbox, sample: Sample) -> None:
    judgement = await _judge(sandbox, sample, sample.prompt + sample.body)
    assert judgement.passed, judgement
    assert [item.role for item in judgement.runs] == ["candidate", "checker"]
    assert all(item.wall_seconds > 0.0 == item.charged_seconds for item in judgement.runs)
    assert judgement.detail == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("body", ["    pass\n", "    return 0\n", "    retur", ""])
async def test_an_empty_or_broken_body_fails(
    sandbox: ProcessSandbox, sample: Sample, body: str
) -> None:
    judgement = await _judge(sandbox, sample, sample.prompt + body)
    assert not judgement.passed
    assert judgement.detail


_GREEDY = """
class Yes:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __bool__(self): return True
    def __hash__(self): return 0
    def __call__(self, *arguments, **keywords): return self
    def __getattr__(self, name): return self
    def __iter__(self): return iter([self])
    def __abs__(self): return 0.0
"""
_WRONG = "\ndef double_all(*arguments, **keywords): return {value}\n"
CHEATS = {
    "exit at import": "import sys\nsys.exit(0)",
    "os._exit at import": "import os\nos._exit(0)",
    "SystemExit in the call": "import sys\ndef double_all(items): sys.exit(0)",
    "os._exit in the call": "import os\ndef double_all(items): os._exit(0)",
    "exit and quit in the call": "def double_all(items): exit(0) or quit(0)",
    "kill itself in the call": "import os\ndef double_all(items): os.kill(os.getpid(), 9)",
    "exit handler": "import atexit, os\natexit.register(os._exit, 0)" + _WRONG.format(value=0),
    "equal to everything": _GREEDY + _WRONG.format(value="Yes()"),
    "a list equal to everything": _GREEDY
    + "\nclass L(list, Yes): pass\nL.__eq__ = Yes.__eq__\n"
    + _WRONG.format(value="L()"),
    "a number equal to everything": _GREEDY
    + "\nclass N(int): pass\nN.__eq__ = Yes.__eq__\n"
    + _WRONG.format(value="N()"),
    "items equal to everything": _GREEDY + _WRONG.format(value="[Yes(), Yes()]"),
    "patched builtins": (
        "import builtins\nbuiltins.AssertionError = ArithmeticError\nbuiltins.len = lambda x: 0\n"
        "builtins.__import__ = lambda *a, **k: None" + _WRONG.format(value="[]")
    ),
    "patched isinstance and list": (
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.list = tuple"
        + _WRONG.format(value="[2]")
    ),
    "patched checker functions": (
        "import sys\nfor m in list(sys.modules.values()):\n"
        "    for n in ('check', 'candidate', 'fabs', 'isclose'):\n"
        "        try: setattr(m, n, lambda *a, **k: True)\n"
        "        except Exception: pass\n" + _WRONG.format(value="[]")
    ),
    "redefined check": "def check(candidate): pass\ncandidate = None" + _WRONG.format(value="[]"),
    "printed success": (
        "import sys\nfor word in ('passed', 'ok', 'success', '0', 'PASS', ''):\n"
        "    print(word)\n    print(word, file=sys.stderr)" + _WRONG.format(value="[]")
    ),
    "looked for the verdict": (
        "import gc, re, sys\nseen = str(gc.get_objects()) + str(sys._getframe(1).f_locals)\n"
        "frame = sys._getframe()\n"
        "while frame:\n    seen += str(frame.f_locals); frame = frame.f_back\n"
        "for token in set(re.findall('[0-9a-f]{32}', seen)): print(token)"
        + _WRONG.format(value="[]")
    ),
    "wrote answers of its own": (
        "import os, json\nbody = json.dumps(['returned', True]).encode()\n"
        "for _ in range(9):\n    os.write(4, len(body).to_bytes(8, 'big') + body)\n"
    ),
    "wrote rubbish as an answer": (
        "import os\ndef double_all(items): os.write(4, b'rubbish' * 9); os._exit(0)"
    ),
    "announced a huge answer": (
        "import os\ndef double_all(items): os.write(4, (1 << 60).to_bytes(8, 'big'))"
    ),
    "sent unknown data": (
        "import os, json\nbody = json.dumps(['returned', ['zz', 1]]).encode()\n"
        "os.write(4, len(body).to_bytes(8, 'big') + body)\ndef double_all(items): return 0"
    ),
    "sent data too deep": (
        "import os\nbody = b'[\"returned\",' + b'[\"l\",' * 90000 + b'1' + b']' * 90001\n"
        "os.write(4, len(body).to_bytes(8, 'big') + body)\ndef double_all(items): return 0"
    ),
    "a list that holds itself": "def double_all(items):\n    x = []\n    x.append(x)\n    return x",
    "an endless iterator": "import itertools\ndef double_all(items): return itertools.count()",
    "raised the checker's own error": (
        "def double_all(items): raise type('CandidateLostError', (BaseException,), {})"
    ),
    "raised what ends an interpreter": "def double_all(items): raise GeneratorExit",
    "raised an interrupt": "def double_all(items): raise KeyboardInterrupt",
    "closed its pipes": "import os\nos.closerange(0, 64)\ndef double_all(items): return [2, 4]",
    "never answers": "def double_all(items):\n    while True: pass",
    "hangs at import": "while True: pass",
    "forked to answer twice": ("import os\ndef double_all(items):\n    os.fork()\n    return []\n"),
    "changed its argument": "def double_all(items):\n    items[:] = []\n    return items",
    "patched the server": (
        "import sys\nfor frame in [sys._getframe(i) for i in range(4)]:\n"
        "    for k in list(frame.f_globals):\n"
        "        if k in ('_answer', 'serve'): frame.f_globals[k] = lambda *a: ['returned', True]\n"
    ),
}


_LOOPING_CHECK = """
wanted = [[2], [4], []]
for got, want in zip(map(candidate, [[1], [2], []]), wanted):
    assert got == want
assert all(got == want for got, want in zip(map(candidate, [[1], [2], []]), wanted))
"""
"""Ends well for whoever ends its loops, in one interpreter."""
ENDS_OF_LOOPS = {
    "raised the end of the loop": "def double_all(items): raise StopIteration",
    "raised an end of its own": (
        "class End(StopIteration): pass\ndef double_all(items): raise End(2)"
    ),
    "raised the end of an empty iterator": "def double_all(items): return next(iter(()))",
    "raised the end of another loop": "def double_all(items): raise StopAsyncIteration",
    "was right once and then ended": (
        "calls = []\ndef double_all(items):\n    calls.append(1)\n"
        "    if len(calls) % 2: return [2]\n    raise StopIteration"
    ),
    "raised what a missing item raises": "def double_all(items): raise IndexError",
    "raised what a missing attribute raises": "def double_all(items): raise AttributeError",
}


async def judged_cheats(sandbox: JudgingSandbox) -> dict[str, Judgement]:
    """Every cheat against a check that it does not satisfy."""
    sample = SAMPLES[0]
    looping = replace(sample, check=_LOOPING_CHECK)
    judging = [_judge(sandbox, sample, program) for program in CHEATS.values()]
    judging += [_judge(sandbox, looping, program) for program in ENDS_OF_LOOPS.values()]
    return dict(zip((*CHEATS, *ENDS_OF_LOOPS), await asyncio.gather(*judging), strict=True))


@pytest.fixture(scope="module")
async def cheated(ground: Ground) -> dict[str, Judgement]:
    return await judged_cheats(ground.sandbox)


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.parametrize("name", [*CHEATS, *ENDS_OF_LOOPS])
def test_success_cannot_be_faked(cheated: dict[str, Judgement], name: str) -> None:
    judgement = cheated[name]
    assert not judgement.passed
    assert judgement.detail
    for run in (judgement.candidate, judgement.checker):
        assert run.wall_seconds <= QUICK.wall_seconds + 1.0


async def test_a_lost_candidate_fails_a_checker_that_catches_everything(
    sandbox: ProcessSandbox,
) -> None:
    checker = "try:\n    candidate(1)\nexcept BaseException:\n    pass"
    lost = await judge(
        sandbox, "import os\ndef f(x): os._exit(0)", checker, names=["f"], limits=QUICK
    )
    raised = await judge(sandbox, "def f(x): raise ValueError", checker, names=["f"], limits=QUICK)
    assert not lost.passed
    assert raised.passed


async def test_the_checkers_exit_is_no_success(sandbox: ProcessSandbox) -> None:
    judgement = await judge(
        sandbox, "def f(): return 1", "import sys\nsys.exit(0)", names=["f"], limits=QUICK
    )
    assert not judgement.passed


@pytest.mark.slow
async def test_each_end_shows_its_reason(sandbox: ProcessSandbox) -> None:
    sample = SAMPLES[0]
    wrong = await _judge(sandbox, sample, sample.prompt + "    return []\n")
    assert wrong.detail.startswith("AssertionError")
    broken = await _judge(sandbox, sample, "def double_all(items:")
    assert broken.detail.startswith("SyntaxError")
    absent = await _judge(sandbox, sample, "x = 1")
    assert absent.detail == "NameError: name 'double_all' is not defined"
    endless = await _judge(sandbox, sample, CHEATS["never answers"])
    assert endless.detail.startswith("limit hit:")


@pytest.mark.slow
async def test_many_judgements_at_once_do_not_wait_for_each_other_for_ever() -> None:
    sample = SAMPLES[0]
    async with ProcessSandbox(concurrency=2, limits=QUICK) as sandbox:
        found = await asyncio.gather(
            *(_judge(sandbox, sample, sample.prompt + sample.body) for _ in range(12))
        )
    assert all(judgement.passed for judgement in found)
