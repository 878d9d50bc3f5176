"""The report's files: whole, offline, readable, the same every time; and its errors."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flows.cli.main import run
from flows.report import ReportFiles, write_report
from lamas.errors import WarehouseError
from lamas.report.deadlines import DeadlineKept
from lamas.report.run.charts import charts
from lamas.report.run.page import page
from lamas.report.run.records import Entrant, report_data
from lamas.report.style import marks
from tests.factories import T0, make_run
from tests.random_rollouts import random_rollouts
from tests.report.conftest import Recorded, evaluation, prepared, store
from tests.report.recipe import RECIPE, place_of
from warehouse import Warehouse
from warehouse.reports import OF_RUN
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

PHONE_PIXELS = 390 - 2 * 16
LEAST_POINTS = 9.0
PIXELS_A_POINT = 96 / 72


class Elements(HTMLParser):
    """Ids, tags, addresses and text of a page; fails on tags that do not match."""

    EMPTY = frozenset({"meta", "br", "path", "use", "rect", "image", "line", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src", "xlink:href") and value:
                self.addresses.append(value)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def parsed(html: str) -> Elements:
    found = Elements()
    found.feed(html)
    return found


@pytest.fixture(scope="module")
def files(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(recorded.warehouse, None, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def elements(files: ReportFiles) -> Elements:
    return parsed(files.page.read_text("utf-8"))


def test_the_page_needs_nothing_beside_itself(files: ReportFiles, elements: Elements) -> None:
    assert not {"script", "link", "img", "iframe"} & set(elements.tags)
    assert all(address.startswith("#") for address in elements.addresses)
    assert "@import" not in files.page.read_text("utf-8")
    outside = re.findall(r"url\((?!#)[^)]*\)", files.page.read_text("utf-8"))
    assert outside == []


def test_ids_are_unique_and_every_reference_leads_somewhere(
    files: ReportFiles, elements: Elements
) -> None:
    assert len(elements.ids) == len(set(elements.ids))
    used = re.findall(r"url\(#([^)]*)\)", files.page.read_text("utf-8"))
    used += [address.removeprefix("#") for address in elements.addresses]
    assert used
    assert set(used) <= set(elements.ids)


def test_it_says_what_the_run_found(elements: Elements, recorded: Recorded) -> None:
    text = elements.text
    assert "Simulated model." in text
    assert "Not promoted: the score may be more than 5 points lower" in text
    for words in ("lamas, step 0", "lamas, step 2", "generate", "digest of the prompts", "0.1.0"):
        assert words in text
    for heading in ("Bottlenecks", "Failures", "Learning curves", "How to reproduce"):
        assert heading in text
    change = next(item for item in recorded.differences if item.metric == "score_difference")
    assert f"{100 * change.value:+.1f} points" in text
    assert "lamas retrain" in text
    for words in ("What the operators are worth", "By category", "What choosing brought"):
        assert words in text
    # No candidate was tried beside a champion: there is no such section.
    assert "Tried beside the champion" not in text
    assert "Deadlines asked for and kept" not in text
    for query in recorded.frames.keys() - {"run", "entrants", "candidates", "deadlines"}:
        assert f"warehouse/reports/{place_of(query, OF_RUN)}.sql" in text


def test_there_is_a_picture_of_every_chart_and_each_says_simulated(
    files: ReportFiles, elements: Elements
) -> None:
    assert elements.tags.count("svg") == len(files.pictures) == 14
    assert elements.words.count("simulated") == 14
    for picture in files.pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert {path.stem for path in files.pictures} >= {
        "score-over-cp-len",
        "score-over-cost",
        "cp-len-strips",
        "operator-mix-before",
        "operator-mix-after",
        "learning-reward",
        "gantt-typical",
        "gantt-worst",
    }


def test_text_in_charts_is_at_least_nine_points_on_a_phone(files: ReportFiles) -> None:
    drawn = re.findall(r"<svg .*?</svg>", files.page.read_text("utf-8"), flags=re.DOTALL)
    assert len(drawn) == len(files.pictures)
    for chart in drawn:
        box = re.search(r'viewBox="0 0 ([\d.]+) ', chart)
        assert box is not None
        scale = min(1.0, PHONE_PIXELS / PIXELS_A_POINT / float(box[1]))
        # Sizes in an SVG are in units of its view box, which are points.
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: [^;\"]*?([\d.]+)px", chart)]
        assert min(sizes) * scale >= LEAST_POINTS


def test_marks_differ_without_colour() -> None:
    entrants = [
        Entrant(
            policy=f"policy-{number}",
            checkpoint_id=None if number % 2 else f"lamas-{number}",
            step=number,
            role="after" if number == 0 else None,
            rollouts=1,
            problems=1,
            failed_rollouts=0,
        )
        for number in range(11)
    ]
    found = marks(entrants)
    assert len({mark.marker for mark in found.values()}) == len(entrants)
    assert len({mark.dashes for mark in list(found.values())[:7]}) == 7


def test_it_may_be_repeated_and_writes_the_same_bytes(
    recorded: Recorded, files: ReportFiles, tmp_path: Path
) -> None:
    again = write_report(recorded.warehouse, "run-1", tmp_path)
    assert again.page.read_bytes() == files.page.read_bytes()
    for new, old in zip(again.pictures, files.pictures, strict=True):
        assert new.read_bytes() == old.read_bytes()


def test_text_from_outside_cannot_become_markup(recorded: Recorded) -> None:
    data = report_data(recorded.frames)
    nasty = "<b onclick=alert(1)>&\"'"
    changed = replace(
        data,
        run=(replace(data.run[0], code_version=nasty, benchmark=nasty, simulated=False),),
        failures=(replace(data.failures[0], reason=nasty, place=nasty),),
        bottlenecks=tuple(replace(item, operator=nasty) for item in data.bottlenecks),
        gantt=tuple(replace(item, problem_id=nasty) for item in data.gantt),
        picks=tuple(replace(item, category=nasty) for item in data.picks),
        gaps_closed=tuple(
            replace(item, category=nasty, best_fixed=nasty) for item in data.gaps_closed
        ),
        operator_values=tuple(replace(item, operator=nasty) for item in data.operator_values),
        oracle_gaps=tuple(
            replace(item, category=nasty, best_fixed=nasty) for item in data.oracle_gaps
        ),
    )
    examples = [item for item in charts(changed) if item.query == "shared/gantt"]
    found = parsed(page(changed, examples, RECIPE))
    assert "b" not in found.tags
    assert nasty in found.text
    assert "imulated" not in found.text


def test_deadlines_that_were_asked_for_have_a_section(recorded: Recorded) -> None:
    data = report_data(recorded.frames)
    kept = DeadlineKept(
        policy=data.subject.policy,
        checkpoint_id=data.subject.checkpoint_id,
        clock="seconds",
        asked=2.0,
        score=0.75,
        mean=1.9,
        p90=3.5,
        rollouts=30,
    )
    found = parsed(page(replace(data, deadlines=(kept,)), [], RECIPE)).text
    assert "Deadlines asked for and kept" in found
    for text in (
        data.names[data.subject.key],
        "-5.0",
        "75.0",
        "warehouse/reports/run/deadlines.sql",
    ):
        assert text in found


def test_an_entrant_without_rollouts_stands_in_the_headline(recorded: Recorded) -> None:
    data = report_data(recorded.frames)
    known = tuple(
        replace(item, policy="all-knowing", checkpoint_id=None)
        for item in data.headline
        if item.policy == data.headline[0].policy
    )
    found = parsed(page(replace(data, headline=(*data.headline, *known)), [], RECIPE))
    assert "all-knowing" in found.text
    assert "all-knowing" not in parsed(page(data, [], RECIPE)).text


def test_a_run_that_only_evaluated_one_fixed_graph_once(tmp_path: Path) -> None:
    warehouse = prepared(tmp_path / "few.duckdb", "run-1")
    writer = Writer(warehouse)
    writer.add_run(replace(make_run("run-9"), kind="evaluate", simulated=False, started_at=T0 + 9))
    rollout = evaluation(30, checkpoint_id=None, policy="generate", run_id="run-9")[0]
    store(writer, [rollout])
    writer.finish_run("run-9", "failed", ended_at=T0 + 10, error="the endpoint went away")
    found = parsed(write_report(warehouse, "run-9", tmp_path).page.read_text("utf-8")).text
    assert "This run is failed : the endpoint went away" in found
    assert "Simulated" not in found
    assert "Candidate against reference" not in found
    assert "Learning curves" not in found
    assert "A typical rollout" in found


def test_errors_say_which_run_and_what_to_do(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WarehouseError, match="run run-7 is not in warehouse"):
        write_report(recorded.warehouse, "run-7", tmp_path)
    empty = Warehouse.open(tmp_path / "empty.duckdb", create=True)
    with pytest.raises(WarehouseError, match="no completed retrain, comparison or sweep"):
        write_report(empty, None, tmp_path)
    only_trained = prepared(tmp_path / "trained.duckdb", "run-1")
    with pytest.raises(WarehouseError, match="run-1 has 0 rollouts"):
        write_report(only_trained, "run-1", tmp_path)
    store(Writer(only_trained), random_rollouts(5, seed=1, failed_share=0.0))
    with pytest.raises(WarehouseError, match="run-1 has 5 rollouts and no finished one of an"):
        write_report(only_trained, "run-1", tmp_path)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    with pytest.raises(WarehouseError, match="cannot be written to"):
        write_report(recorded.warehouse, "run-1", blocked)
    assert run(["report", f"home={tmp_path / 'nowhere'}"]) == 1
    assert "there is no warehouse at" in capsys.readouterr().err


def test_the_command_writes_below_home(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(recorded.warehouse.path, tmp_path / "warehouse.duckdb")
    assert run(["report", "run=run-1", f"home={tmp_path}"]) == 0
    assert str(tmp_path / "reports" / "run-1.html") in capsys.readouterr().out
    assert (tmp_path / "reports" / "run-1" / "gantt-worst.png").is_file()
    query = "warehouse/reports/run/learning.sql"
    assert run(["sql", "--file", query, "run=run-1", f"home={tmp_path}", "--format", "json"]) == 0
    assert [row["step"] for row in json.loads(capsys.readouterr().out)] == [1, 2]
