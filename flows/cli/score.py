"""`lamas score`: why an answer is marked right or wrong, which candidate or program is read."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flows.cli.line import Command
from lamas.errors import ConfigurationError

if TYPE_CHECKING:
    from lamas.benchmarks import BenchmarkSettings
    from lamas.benchmarks.explain import Explanation

SETTING = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=(.*)", re.DOTALL)
KEYS = (
    *("benchmark", "operator", "reference", "answer", "pairs", "candidates", "choices", "prompt"),
    "entry_point",
)
AT_ONCE = 32
WIDEST = 60
EXAMPLES = """\
examples:
  lamas score benchmark=gsm8k reference=18 answer="16 - 3 - 4 = 9, so 9 * 2 = 18"
  lamas score benchmark=math reference='\\frac{1}{2}' answer=@reply.txt
  lamas score benchmark=file benchmark.scorer=choice choices=4 reference=B answer="I pick (B)."
  lamas score benchmark=math pairs=pairs.jsonl --wrong
  lamas score operator=ScEnsemble candidates=3 answer="A and C agree. A"
  lamas score benchmark=humaneval reference=@prompt.py answer=@reply.txt
"""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help=f"{', '.join(KEYS)}, or benchmark.KEY; @FILE stands for the file's text, @- for stdin",
    )
    parser.add_argument("--wrong", action="store_true", help="of pairs show only what is not right")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    # An answer may look like an override; what follows an option comes here as well.
    parser.set_defaults(overrides=[])


def _handle(options: argparse.Namespace) -> int:
    given = _settings([*options.settings, *options.overrides])
    explained = asyncio.run(_explained(given))
    if options.format == "json":
        for _, item in explained:
            print(json.dumps(asdict(item), ensure_ascii=False))
    elif "pairs" in given:
        _print_pairs(explained, only_wrong=options.wrong)
    else:
        _print_one(explained[0][1])
    return 0


def _settings(items: Sequence[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for item in items:
        match = SETTING.fullmatch(item)
        if match is None or not (match[1] in KEYS or match[1].startswith("benchmark.")):
            raise ConfigurationError(
                f"{item[:60]!r} is not understood: give KEY=VALUE with one of {', '.join(KEYS)}"
            )
        value = match[2]
        if value.startswith("@") and match[1] != "pairs":
            value = _text_of(value[1:])
        settings[match[1]] = value
    return settings


def _text_of(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}); give a text file, or the text itself"
        ) from error


async def _explained(given: Mapping[str, str]) -> "list[tuple[str, Explanation]]":
    """(reference, explanation) of each answer, in the order of the file."""
    from lamas.benchmarks.source import as_text, read_table

    if "pairs" not in given:
        return [(given.get("reference", ""), await _explain(given))]
    table = read_table(given["pairs"])
    table.require("answer")
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(row: Mapping[str, object]) -> "tuple[str, Explanation]":
        cells = {name: as_text(row[name]) for name in KEYS if row.get(name) is not None}
        own = {name: text for name, text in cells.items() if text is not None}
        async with slots:
            return own.get("reference", ""), await _explain({**given, "answer": "", **own})

    return list(await asyncio.gather(*(one(row) for row in table.rows)))


async def _explain(given: Mapping[str, str]) -> "Explanation":
    from lamas.benchmarks.explain import (
        entry_point_of,
        explain_answer,
        explain_pick,
        explain_program,
        scorer_of,
    )
    from lamas.benchmarks.options import Options, options_of

    answer = _needed(given, "answer")
    if "operator" in given:
        if given["operator"] != "ScEnsemble":
            raise ConfigurationError(
                f"operator={given['operator']} reads no letter from a reply; ScEnsemble does"
            )
        return await explain_pick(_count(_needed(given, "candidates")), answer)
    settings = _benchmark(given)
    if settings.kind == "humaneval":
        prompt = given.get("prompt") or given.get("reference") or given.get("entry_point", "")
        entry_point = given.get("entry_point") or entry_point_of(
            prompt or _needed(given, "reference")
        )
        return await explain_program("" if prompt.isidentifier() else prompt, entry_point, answer)
    reference = _needed(given, "reference")
    options = options_of(given["choices"]) if "choices" in given else Options()
    if options is None:
        raise ConfigurationError(
            f"choices={given['choices'][:60]!r} is neither how many options there are (1 to 26) "
            "nor a list of them"
        )
    scorer = scorer_of(settings.kind, settings.scorer, reference)
    return await explain_answer(scorer, reference, answer, options.texts)


def _benchmark(given: Mapping[str, str]) -> "BenchmarkSettings":
    """Settings of the named option of `conf/benchmark`, with what the line changes of them."""
    import yaml

    import conf
    from lamas.benchmarks import settings_from

    folder = Path(conf.__file__).resolve().parent / "benchmark"
    name = _needed(given, "benchmark")
    file = folder / f"{name}.yaml"
    if not re.fullmatch(r"\w+", name) or not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise ConfigurationError(f"benchmark={name[:60]} is unknown; choose one of {known}")
    values = cast("dict[str, object]", yaml.safe_load(file.read_text(encoding="utf-8")))
    changed = {
        key.partition(".")[2]: value for key, value in given.items() if key.startswith("benchmark.")
    }
    return settings_from({**values, **changed})


def _needed(given: Mapping[str, str], key: str) -> str:
    if key not in given:
        raise ConfigurationError(
            f"{key}=… is missing: give it on the line, or as a field of pairs=FILE.jsonl; "
            "`lamas score --help` has examples"
        )
    return given[key]


def _count(written: str) -> int:
    if not written.isdigit() or not 1 <= int(written) <= 999:
        raise ConfigurationError(f"candidates={written[:60]!r} is no number from 1 to 999")
    return int(written)


def _print_one(item: "Explanation") -> None:
    lines = (("verdict", item.verdict), ("read from", item.place), ("why", item.why))
    for name, text in lines:
        if text:
            print(f"{name:<10} {_shown(text, 1_000)}")
    if item.extracted is not None and "\n" in item.extracted:
        print(f"\n{item.extracted.rstrip()}")
    elif item.extracted is not None:
        print(f"{'extracted':<10} {_shown(item.extracted, 1_000)}")


def _print_pairs(explained: "Sequence[tuple[str, Explanation]]", *, only_wrong: bool) -> None:
    for number, (reference, item) in enumerate(explained, start=1):
        if only_wrong and item.verdict in ("right", "read"):
            continue
        reason = "; ".join(text for text in (item.why, item.place) if text)
        wanted = f"{_shown(reference)} ← " if reference else ""
        print(
            f"{number:>5}  {item.verdict:<9}  {wanted}{_shown(item.extracted or '—')}  ({reason})"
        )
    counts = {
        verdict: sum(item.verdict == verdict for _, item in explained)
        for verdict in dict.fromkeys(item.verdict for _, item in explained)
    }
    total = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{len(explained)} answers: {total}")


def _shown(text: str, width: int = WIDEST) -> str:
    """One line of a text without what a terminal would obey."""
    line = "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
    return line if len(line) <= width else f"{line[: width - 1]}…"


COMMAND = Command(
    name="score",
    text="say why an answer is marked right or wrong, and what was read from it",
    add=_add,
    handle=_handle,
)
