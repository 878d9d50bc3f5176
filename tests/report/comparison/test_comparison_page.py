"""The page of a comparison: whole, offline, plain about what does not hold; and its errors."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli.main import run
from flows.report import ReportFiles, comparison_markdown, write_report
from lamas.domain import ComparisonEstimate, NonInferiorityVerdict
from lamas.errors import WarehouseError
from lamas.report.comparison.charts import comparison_charts, swept_keys
from lamas.report.comparison.claims import claims, claims_markdown
from lamas.report.comparison.page import comparison_page
from lamas.report.comparison.records import ComparisonData, comparison_data
from tests.factories import T0, make_run
from tests.report.comparison.conftest import PAIRS, VARIANTS, Compared
from tests.report.conftest import prepared
from tests.report.recipe import RECIPE, place_of
from tests.report.test_report import LEAST_POINTS, PHONE_PIXELS, PIXELS_A_POINT, parsed
from warehouse import Warehouse
from warehouse.reports import OF_COMPARISON
from warehouse.writer import Writer

NAMING = ("variant", "reference", "entrant")
"""Columns that name a variant."""


@pytest.fixture(scope="module")
def files(compared: Compared, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(compared.warehouse, None, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def html(files: ReportFiles) -> str:
    return files.page.read_text("utf-8")


def difference(
    metric: str,
    value: float,
    ends: tuple[float, float] | None,
    verdict: NonInferiorityVerdict | None = None,
) -> ComparisonEstimate:
    low, high = ends or (None, None)
    return ComparisonEstimate(
        comparison_run_id="c",
        variant="a",
        reference="b",
        metric=metric,
        value=value,
        low=low,
        high=high,
        standard_error=None if ends is None else 0.01,
        degrees=None,
        p_value=None,
        seeds=5,
        problems=100,
        pairs=500,
        method="",
        margin=None if verdict is None else 0.02,
        verdict=verdict,
    )


SHORTER = difference("cp_tokens_log_ratio", -0.5, (-0.6, -0.4))
UNCLEAR = difference("cp_tokens_log_ratio", -0.1, (-0.3, 0.1))


@pytest.mark.parametrize(
    ("verdict", "path", "holds"),
    [
        ("superior", SHORTER, True),
        ("non-inferior", SHORTER, True),
        ("non-inferior", UNCLEAR, False),
        ("inconclusive", SHORTER, False),
        ("inferior", SHORTER, False),
    ],
)
def test_a_claim_holds_only_with_score_and_critical_path(
    verdict: NonInferiorityVerdict, path: ComparisonEstimate, holds: bool
) -> None:
    score = difference("score_difference", 0.01, (-0.01, 0.03), verdict)
    (claim,) = claims([score, path])
    assert claim.holds is holds
    assert ("does not hold" in claim.text) is not holds
    assert "margin of 2 points" in claim.sentence


def test_a_claim_says_what_is_sure_and_what_is_not() -> None:
    score = difference("score_difference", 0.004, (-0.01, 0.018), "non-inferior")
    cost = difference("cost_usd_log_ratio", 0.0, (-0.1, 0.1))
    (claim,) = claims([score, SHORTER, cost])
    assert claim.text == (
        "a against b: holds. Its score is non-inferior at the margin of 2 points (+0.4 points, "
        "95 % interval -1.0 to +1.8); its critical path is surely shorter (-39 %, -45 to -33); "
        "it may be cheaper or dearer (+0 %, -10 to +11)."
    )


def test_seconds_are_claimed_only_where_they_are_of_a_model() -> None:
    score = difference("score_difference", 0.004, (-0.01, 0.018), "non-inferior")
    seconds = difference("makespan_seconds_log_ratio", -0.5, (-0.6, -0.4))
    (claim,) = claims([score, SHORTER, seconds])
    assert "its measured seconds are surely fewer (-39 %" in claim.sentence
    (claim,) = claims([score, SHORTER, seconds], timed=False)
    assert "seconds" not in claim.sentence
    text = claims_markdown([score, SHORTER, seconds], "t", timed=False)
    assert "Makespan is the machine's own time" in text


def test_scores_that_do_not_vary_are_no_proof() -> None:
    (claim,) = claims([difference("score_difference", 0.0, None, "inconclusive"), SHORTER])
    assert not claim.holds
    assert "The scores were equal on every pair, which gives no interval" in claim.sentence


@pytest.mark.slow
def test_the_page_is_whole_and_needs_nothing_beside_itself(files: ReportFiles, html: str) -> None:
    found = parsed(html)
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert all(address.startswith("#") for address in found.addresses)
    assert len(found.ids) == len(set(found.ids))
    assert set(re.findall(r"url\(#([^)]*)\)", html)) <= set(found.ids)
    assert found.tags.count("svg") == len(files.pictures) == found.words.count("simulated")
    assert {path.stem for path in files.pictures} >= {
        "score-over-cp-len",
        "score-over-cost",
        "cp-len",
        "learning-cost-usd",
        "operator-mix-1-before",
        "operator-mix-1-after",
        "gantt-1-typical",
        "gantt-2-worst",
    }


@pytest.mark.slow
def test_it_says_what_the_comparison_found(html: str, compared: Compared) -> None:
    text = parsed(html).text
    assert "Simulated model." in text
    for variant in VARIANTS:
        assert variant in text
    for variant, reference in PAIRS:
        assert f"{variant} against {reference}: " in text
    found = claims(compared.estimates, timed=False)
    assert "measured seconds" not in text
    assert f"Of {len(found)} claims {sum(item.holds for item in found)} hold" in text
    for item in found:
        assert " ".join(item.sentence.split()) in text
    assert "does not hold" in text
    assert "not measured" in text
    assert "training.lambda_t=0" in text
    assert "lamas compare" in text
    for query in compared.frames.keys() - {"run"}:
        assert f"warehouse/reports/{place_of(query, OF_COMPARISON)}.sql" in text


@pytest.mark.slow
def test_text_in_charts_is_at_least_nine_points_on_a_phone(html: str) -> None:
    for chart in re.findall(r"<svg .*?</svg>", html, flags=re.DOTALL):
        box = re.search(r'viewBox="0 0 ([\d.]+) ', chart)
        assert box is not None
        scale = min(1.0, PHONE_PIXELS / PIXELS_A_POINT / float(box[1]))
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: [^;\"]*?([\d.]+)px", chart)]
        assert min(sizes) * scale >= LEAST_POINTS


@pytest.mark.slow
def test_the_same_page_comes_again(compared: Compared, files: ReportFiles, tmp_path: Path) -> None:
    again = write_report(compared.warehouse, "compare-1", tmp_path)
    assert again.page.read_bytes() == files.page.read_bytes()


@pytest.mark.slow
def test_the_artifact_holds_tables_and_claims(compared: Compared, files: ReportFiles) -> None:
    text = comparison_markdown(compared.warehouse, files.run)
    assert "## Claims" in text
    assert text.count(" against ") >= len(PAIRS)
    assert "simulated model" in text.splitlines()[0]
    assert "## Claims" not in claims_markdown(
        [item for item in compared.estimates if not item.reference], "title"
    )


def as_sweep(compared: Compared) -> ComparisonData:
    """The same figures under the names that a sweep gives its variants."""
    names = {
        "fast": "base",
        "slow": "training.lambda_t=0.05",
        "dice": "training.lambda_t=0.001",
    }
    frames = {
        name: frame.with_columns(frame[column].replace(names) for column in columns)
        if (columns := [item for item in NAMING if item in frame.columns])
        else frame
        for name, frame in compared.frames.items()
    }
    data = comparison_data(frames)
    config = json.dumps({"training": {"lambda_t": 0.005}, "sweep": {"each": True}})
    facts = replace(data.run[0], kind="sweep", config_json=config)
    return replace(data, run=(facts,))


@pytest.mark.slow
def test_a_sweep_joins_the_values_of_each_key_in_their_order(compared: Compared) -> None:
    data = as_sweep(compared)
    assert swept_keys(data) == {
        "training.lambda_t": {
            "training.lambda_t=0.001": "0.001",
            "base": "0.005 (base)",
            "training.lambda_t=0.05": "0.05",
        }
    }
    drawn = comparison_charts(data)
    assert {"sweep-training-lambda-t-cp-len", "sweep-training-lambda-t-cost"} <= {
        chart.name for chart in drawn
    }
    text = parsed(comparison_page(data, drawn[:4], RECIPE)).text
    assert "One key at a time" in text
    assert "lambda_t=0.05" in data.labels.values()


@pytest.mark.slow
def test_text_from_outside_cannot_become_markup(compared: Compared) -> None:
    nasty = "<b onclick=alert(1)>&\"'"
    frames = {
        name: frame.with_columns(frame[column].replace({"fast": nasty}) for column in columns)
        if (columns := [item for item in NAMING if item in frame.columns])
        else frame
        for name, frame in compared.frames.items()
    }
    found = parsed(comparison_page(comparison_data(frames), (), RECIPE))
    assert "b" not in found.tags
    assert nasty in found.text


@pytest.mark.slow
def test_an_unfinished_comparison_is_told(tmp_path: Path) -> None:
    warehouse = prepared(tmp_path / "unfinished.duckdb", "run-1")
    Writer(warehouse).add_run(replace(make_run("compare-9"), kind="compare", started_at=T0 + 1))
    with pytest.raises(WarehouseError, match="compare-9 has 0 rollouts of 0 members and no"):
        write_report(warehouse, "compare-9", tmp_path)


@pytest.mark.slow
def test_the_latest_of_retrains_comparisons_and_sweeps_is_shown_and_named(
    compared: Compared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(compared.warehouse.path, tmp_path / "warehouse.duckdb")
    assert run(["report", f"home={tmp_path}"]) == 0
    assert "compare compare-1, the latest completed run of its kinds" in capsys.readouterr().out
    assert (tmp_path / "reports" / "compare-1" / "cp-len.png").is_file()
    writer = Writer(Warehouse.open(tmp_path / "warehouse.duckdb"))
    writer.finish_run("run-1", "completed", ended_at=T0 + 600)
    # It ended later, but evaluated nothing: told, not silently passed over.
    assert run(["report", f"home={tmp_path}"]) == 1
    assert "run-1 has 0 rollouts" in capsys.readouterr().err
    query = "warehouse/reports/comparison/hypervolume.sql"
    asked = ["sql", "--file", query, "run=compare-1", f"home={tmp_path}", "--format", "json"]
    assert run(asked) == 0
    assert len(json.loads(capsys.readouterr().out)) == 8
