"""How much faster texts are embedded together: `python -m tests.measure.embedding FILE COLUMN`.

With `KIND OUT.npy` behind it embeds all of the texts, in their order, as other measurements want
them.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lamas.controller import ENCODER_KINDS, EncoderKind, QueryEncoder

TEXTS = 600


def main() -> None:
    """Times one text at a time, equal lengths together, and integers; each on the same texts."""
    file, column = sys.argv[1:3]
    table = pl.read_parquet(file) if Path(file).suffix == ".parquet" else pl.read_ndjson(file)
    if len(sys.argv) > 4:
        np.save(sys.argv[4], QueryEncoder(kind=_kind(sys.argv[3])).encode(table[column].to_list()))
        return
    texts = table[column].unique(maintain_order=True).to_list()
    texts = texts[:: max(1, len(texts) // TEXTS)]
    print(f"{len(texts)} texts of {file}")
    single, exact = _timed("one text at a time", texts, "float32", one_by_one=True)
    for kind in ENCODER_KINDS:
        seconds, rows = _timed(f"together, {kind}", texts, kind, one_by_one=False)
        alike = float(np.sum(rows * exact, axis=1).mean())
        print(
            f"  {single / seconds:.1f} times as fast; mean cosine to one text at a time {alike:.5f}"
            f"{', equal to the last bit' if np.array_equal(rows, exact) else ''}"
        )


def _kind(name: str) -> EncoderKind:
    return next(kind for kind in ENCODER_KINDS if kind == name)


def _timed(
    what: str, texts: Sequence[str], kind: EncoderKind, *, one_by_one: bool
) -> tuple[float, NDArray[np.float32]]:
    encoder = QueryEncoder(kind=kind)
    encoder.encode(texts[:1])

    def each() -> NDArray[np.float32]:
        return np.concatenate([encoder.encode([text]) for text in texts])

    run: Callable[[], NDArray[np.float32]] = each if one_by_one else lambda: encoder.encode(texts)
    core, wall = time.process_time(), time.perf_counter()
    rows = run()
    core, wall = time.process_time() - core, time.perf_counter() - wall
    print(
        f"{what}: {1e3 * wall / len(texts):.2f} ms a text ({1e3 * core / len(texts):.2f} of a core)"
    )
    return wall, rows


if __name__ == "__main__":
    main()
