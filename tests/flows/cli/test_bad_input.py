"""Mistakes: one sentence with value and remedy, no traceback, nothing written or left running."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.home.lock import writer_lock
from flows.orchestrator import blank_database, server
from tests.command import run_here
from tests.flows.conftest import TINY
from tests.llm.recorded.files import MODEL, row, write
from tests.llm.scripted_endpoint import ScriptedEndpoint, fails, lists
from warehouse import Warehouse

Files = dict[str, tuple[int, int]]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Every mistake here is found before a server is waited for, and what was started ends."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*_: object, **__: object) -> tuple[subprocess.Popen[bytes], str]:
        started.append(subprocess.Popen(["sleep", "600"]))
        return started[-1], "http://127.0.0.1:9/api"

    def ready(_: Path) -> bool:
        return True

    def wait(*_: object) -> None:
        raise AssertionError("a Prefect server was waited for")

    monkeypatch.setattr(blank_database, "is_ready", ready)
    monkeypatch.setattr(server, "_start", start)
    monkeypatch.setattr(server, "_wait_until_ready", wait)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    yield
    assert all(process.poll() is not None for process in started)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def files(folder: Path) -> Files:
    """Every file with size and time of change, but for locks and what Prefect's server needs."""
    found = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.parent.name != "prefect"
    ]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def refused(arguments: Sequence[str], *words: str, code: int | None = None) -> str:
    """Run the command and check that it says one sentence with all `words`, and how it ends."""
    finished = run_here(*arguments)
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert lines[0].startswith("lamas: ")
    assert finished.stdout == ""
    assert finished.code == (code or finished.code) != 0
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


@contextmanager
def unchanged(folder: Path) -> Generator[None, None, None]:
    before = files(folder)
    yield
    assert files(folder) == before


def text_file(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


QUESTIONS = '{"question": "1 + 1?", "answer": "2"}\n'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.jsonl", None, ["missing.jsonl", "does not exist", "check the path"]),
        ("empty.jsonl", "", ["empty.jsonl is empty"]),
        ("other.jsonl", '{"q": "1 + 1?", "a": "2"}\n', ["no column 'question'", "q, a"]),
        ("broken.jsonl", QUESTIONS + "{oops\n", ["broken.jsonl, line 2", "correct or remove"]),
        ("null.jsonl", QUESTIONS + '{"question": null, "answer": "2"}\n', ["line 2", "'question'"]),
        ("table.xlsx", "x", ["table.xlsx", ".parquet"]),
    ],
)
def test_benchmark_files(
    tmp_path: Path, home: Path, name: str, content: str | None, words: list[str]
) -> None:
    path = str(tmp_path / name) if content is None else text_file(tmp_path, name, content)
    with unchanged(tmp_path):
        options = ("benchmark=file", f"benchmark.path={path}", "llm=simulated", f"home={home}")
        refused(["prepare", *options], *words, code=1)
        refused(["retrain", *options], *words, code=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("llm=gpt9", ["llm/gpt9", "embedded endpoint openai recorded simulated"]),
        ("training.stepz=3", ["unknown key training.stepz", "--cfg job"]),
        ("stepz=3", ["stepz", "--cfg job"]),
        ("training.steps=-3", ["training.steps=-3", "greater than or equal to 0"]),
        ("training.steps=[", ["'training.steps=['", "quote"]),
        ("What is 1?", ["'What is 1?'"]),
        ("operators.enabled=[Generate,Foo]", ["unknown operator Foo", "known: Generate,"]),
        ("evaluation.baselines=[foo]", ["unknown fixed graph 'foo'", "known: generate,"]),
        ("training.problems_per_step=9", ["training.problems_per_step=9", "4 training problems"]),
        ("llm.simulated.profile=nowhere", ["nowhere", "gpt_4o_mini_like"]),
        ("benchmark.datasets=[{name: chain_summ}]", ["chain_summ", "chain_sum"]),
        ("training.start_from=champion", ["no warehouse", "lamas prepare"]),
        ("controller.kind=maas", ["controller.kind='maas'", "'lamas', 'paper' or 'conditioned'"]),
        ("controller.kind=conditioned", ["controller.layers=4", "chooses one layer"]),
    ],
)
def test_configured_values(home: Path, override: str, words: list[str]) -> None:
    refused(["retrain", *TINY, f"home={home}", override], *words)
    assert not files(home)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["operators.enabled=[GenerateCoT@big]"], ["GenerateCoT@big", "model 'big'", "llm.models"]),
        (["operators.enabled=[SelfRefine]"], ["SelfRefine", "can start a graph"]),
        (["table.samples=0"], ["table.samples=0", "greater than or equal to 1"]),
        (["table.smaples=2"], ["unknown key table.smaples"]),
        (["benchmark.train_fraction=0.01"], ["no training problem to tabulate", "train_size"]),
    ],
)
def test_what_cannot_be_tabulated(home: Path, overrides: list[str], words: list[str]) -> None:
    refused(["tabulate", *TINY, f"home={home}", *overrides], *words)
    assert not files(home)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"question": "1?", "operator": "Generate"}], ["lacks the column model, sample, text"]),
        ([row(text="1"), row(text="2")], ["2 different answers", "'How many?'", "number the"]),
        ([row(operator="GenerateCoT")], ["no answer of operator Generate by model"]),
    ],
)
def test_recorded_answers_that_cannot_be_tabulated(
    tmp_path: Path, home: Path, rows: list[dict[str, object]], words: list[str]
) -> None:
    path = write(tmp_path / "answers.jsonl", rows)
    options = ("llm=recorded", f"llm.path={path}", f"llm.model={MODEL}", "benchmark.size=20")
    enabled = "operators.enabled=[Generate,GenerateCoT]"
    with unchanged(tmp_path):
        refused(["tabulate", *options, enabled, f"home={home}"], *words)


def test_choices_as_text_cannot_be_tabulated(tmp_path: Path, home: Path) -> None:
    question = '{"question": "Which?", "answer": "A", "options": "red, blue", "category": "x"}\n'
    path = text_file(tmp_path, "choices.jsonl", question)
    options = ("benchmark=choice", f"benchmark.path={path}", "llm=simulated", f"home={home}")
    with unchanged(tmp_path):
        refused(["tabulate", *options], "choices.jsonl", "'options'", "list", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], ["'trian'", "lamas --help"]),
        (["retrain", "--fast"], ["--fast", "--help"]),
        (["sql", "FROM runs", "--format", "xml"], ["'xml'", "lamas sql --help"]),
    ],
)
def test_command_lines(arguments: list[str], words: list[str]) -> None:
    refused(arguments, *words, code=2)


@pytest.mark.slow
def test_model_files(tmp_path: Path, home: Path) -> None:
    fake = text_file(tmp_path, "model.gguf", "PK not a model")
    options = ("retrain", *TINY[1:], f"home={home}")
    refused([*options, f"llm.gguf={fake}"], f"llm.gguf={fake}", "no GGUF file", code=2)
    refused([*options, "llm.gguf=/no/model.gguf"], "/no/model.gguf", "give the path", code=2)
    assert not files(home)


@pytest.mark.slow
def test_endpoints(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def options(url: str, *more: str) -> list[str]:
        given = ["llm=endpoint", f"llm.base_url={url}", "llm.model=tiny"]
        return ["retrain", *TINY[1:], f"home={home}", *given, *more]

    dead = "http://127.0.0.1:9/v1"
    refused(
        options(dead), f"no model answers at {dead}", "start the server", "llm=embedded", code=1
    )
    monkeypatch.delenv("SOME_KEY", raising=False)
    with_key = "llm.api_key_env=SOME_KEY"
    refused(options(dead, with_key), "SOME_KEY is not set", "export SOME_KEY=…", code=1)
    monkeypatch.setenv("SOME_KEY", "sk-secret-123456")
    with ScriptedEndpoint(fails(401), models=fails(401, "bad key sk-secret-123456")) as endpoint:
        said = refused(options(endpoint.base_url, with_key), "401", "check the key", "SOME_KEY")
        assert "secret" not in said
    with ScriptedEndpoint(fails(404), models=lists("tiny-7b", "tiny-1b")) as endpoint:
        refused(options(endpoint.base_url), "does not serve model 'tiny'", "tiny-1b, tiny-7b")
    refused(options("ftp://host/v1"), "llm.base_url='ftp://host/v1'", "http://127.0.0.1:8000/v1")
    refused(options(dead, "llm.price=null"), "tiny", "llm.price")
    assert not files(home)


def test_keys_of_openai(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    options = ["retrain", *TINY[1:], f"home={home}", "llm=openai"]
    refused(options, "OPENAI_API_KEY is not set", "export OPENAI_API_KEY=…", code=1)


@pytest.mark.slow
def test_home_folders(tmp_path: Path) -> None:
    taken = text_file(tmp_path, "file", "")
    refused(["retrain", *TINY, f"home={taken}"], str(taken), "cannot be written", "home=…")
    refused(["retrain", *TINY, f"home={taken}/sub"], "cannot be written", "home=…")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can put on and off another user")
def test_read_only_home_folders(prepared: Path, tmp_path: Path) -> None:
    run_here("retrain", *TINY, f"home={tmp_path / 'x'}", "operators.enabled=[Foo]")
    copy = shutil.copytree(prepared, tmp_path / "home")
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # Those that pytest made: each is for its user alone.
    for folder in (tmp_path, *tmp_path.parents):
        if "/pytest-" in str(folder):
            folder.chmod(0o755)
    with unchanged(copy):
        os.seteuid(65534)
        try:
            inside = closed / "warehouse.duckdb"
            refused(
                ["audit", f"home={closed}"], str(inside), "may not be used", "permissions", code=1
            )
            refused(["retrain", *TINY, f"home={copy}"], str(copy), "Permission denied", "home=…")
            shown = run_here("sql", "SELECT count(*) AS n FROM problems", f"home={copy}")
        finally:
            os.seteuid(0)
    assert (shown.code, shown.stdout.split()[:2]) == (0, ["n", "20"])


@pytest.mark.slow
def test_warehouses(tmp_path: Path, home: Path) -> None:
    notes = text_file(tmp_path, "notes.txt", "no database at all\n" * 100)
    for command in (["retrain", *TINY], ["prepare", *TINY], ["audit"]):
        with unchanged(tmp_path):
            refused([*command, f"home={home}", f"warehouse={notes}"], notes, "not a DuckDB file")
    for command in (["collect", *TINY], ["credit", *TINY], ["audit"], ["ask", "1 + 1?", *TINY]):
        refused([*command, f"home={home}"], f"no warehouse at {home}", "lamas prepare", code=1)
    assert not files(home)


@pytest.mark.slow
def test_a_warehouse_held_by_another_program(prepared: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(prepared, tmp_path / "home")
    hold = "import duckdb,sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(copy / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        options = (f"home={copy}", "warehouse_wait_seconds=0.1")
        for command in (["retrain", *TINY], ["sql", "FROM runs"]):
            refused(
                [*command, *options], f"process {holder.pid}", "after 0.1 s", "let that program"
            )
        holder.communicate(b"\n")


@pytest.mark.slow
def test_a_second_writer(prepared: Path) -> None:
    with unchanged(prepared), writer_lock(prepared):
        refused(["retrain", *TINY, f"home={prepared}"], f"writing to {prepared}", "home=…", code=1)


@pytest.mark.slow
def test_queries(prepared: Path, tmp_path: Path) -> None:
    at = f"home={prepared}"
    with unchanged(prepared):
        refused(["sql", "SELECT nothing FROM runs", at], "nothing", "cannot be answered")
        refused(["sql", "SELEC 1", at], "SELEC", "cannot be answered")
        refused(["sql", "FROM nowhere", at], "nowhere")
        refused(["sql", "DELETE FROM runs", at], "would change the warehouse", "write a SELECT")
        refused(["sql", "DROP TABLE runs", at], "would change the warehouse")
        refused(["sql", "FROM runs; FROM runs", at], "one SQL statement at a time", "got 2")
        refused(["sql", "", at], "give one query in quotes")
        refused(["sql", at], "give one query in quotes", code=2)
        refused(["sql", "--file", "/no/such.sql", at], "/no/such.sql", "cannot be read", code=2)
        binary = tmp_path / "binary.sql"
        binary.write_bytes(b"\xff\xfe\x00")
        refused(["sql", "--file", str(binary), at], str(binary), "cannot be read")
        refused(["sql", "FROM runs", "FROM problems", at], "one text", "'FROM problems'", code=2)


def test_prefect_servers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    refused(["retrain", *TINY, f"home={home}"], "PREFECT_API_URL=http://127.0.0.1:9/api", "unset")
    assert not files(home)


@pytest.mark.slow
def test_a_scheduled_retrain_that_cannot_learn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when schedules are to be served, not by each run in a log."""
    small = [TINY[0], "benchmark.train_size=3", "benchmark.test_size=3", f"home={home}"]
    refused(["serve", *small], "table of 3 training problems is too small", "raise table.problems")
    mixed = "deployment.retrain.overrides=['learner=reinforce','controller=conditioned']"
    refused(["serve", *small, mixed], "controller=conditioned learns from a table")
    judged = ("deployment.judge.cron='0 1 * * *'", "benchmark.train_size=8")
    refused(["serve", *small, *judged, "deployment.judge.overrides=[]"], "add benchmark=traffic")
    # A dead server: what is wrong is found before it is asked.
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    refused(["deploy", *small], "table of 3 training problems is too small")
    for enough in (["benchmark.train_size=8"], ["deployment.retrain.cron=null"]):
        refused(["deploy", *small, *enough], "PREFECT_API_URL=http://127.0.0.1:9/api", "unset")


@pytest.mark.slow
def test_checkpoints(prepared: Path, tmp_path: Path) -> None:
    at, ids = f"home={prepared}", checkpoint_ids(prepared)
    with unchanged(prepared):
        for command in ("collect", "evaluate"):
            run = [command, *TINY, at]
            refused([*run, "checkpoint=lamas-nope"], "lamas-nope is unknown", "lists those stored")
            refused(
                [*run, f"checkpoint={ids['lamas']}", "controller.layers=2"], "it has L = 4, 2 is"
            )
            refused([*run, "checkpoint=champion"], "no champion yet", "lamas retrain")
        paper = f"checkpoint={ids['paper']}"
        refused(["collect", *TINY, at, paper], ids["paper"], "another controller")
        refused(["collect", TINY[0], at], "add learner=reinforce", "lamas tabulate")
        refused(["retrain", *TINY, at, "training.start_from=champion"], "no champion yet")
        refused(["ask", "1 + 1?", *TINY, at], "no champion yet", "checkpoint=…")
        refused(["ask", *TINY, at], "give one question in quotes", code=2)
        refused(["ask", "1?", *TINY, at, "checkpoint=lamas-nope"], "lamas-nope is unknown")


def cut(content: bytes) -> bytes:
    return content[:-10]


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def empty(_: bytes) -> bytes:
    return b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, ["damaged"]),
        (flip, ["damaged", "digest"]),
        (empty, ["damaged", "0 bytes"]),
        (None, ["cannot be read", "No such file"]),
    ],
)
def test_checkpoint_files(
    prepared: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes] | None,
    words: list[str],
) -> None:
    copy = shutil.copytree(prepared, tmp_path / "home")
    name = checkpoint_ids(copy)["lamas"]
    path = copy / "checkpoints" / f"{name}.safetensors"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with unchanged(copy):
        for command in (["collect"], ["evaluate"], ["ask", "1 + 1?"]):
            arguments = [*command, *TINY, f"home={copy}", f"checkpoint={name}"]
            refused(arguments, str(path), *words, code=1)


@pytest.mark.slow
def test_stages_without_what_they_read(prepared: Path) -> None:
    at = f"home={prepared}"
    with unchanged(prepared):
        refused(["credit", *TINY, at], "no training rollouts", "lamas collect")
        refused(["update", *TINY, at, "run=nope"], "run nope is not in", "run_summary")
        refused(["collect", *TINY, at, "benchmark.size=30"], "of 30 problems", "lamas prepare")


@pytest.mark.slow
def test_a_benchmark_that_changed_under_its_split(tmp_path: Path, home: Path) -> None:
    """Stored without an orchestrator; the command then meets another file of the same name."""
    lines = [f'{{"question": "{n} + 1?", "answer": "{n + 1}"}}\n' for n in range(20)]
    path = text_file(tmp_path, "sums.jsonl", "".join(lines))
    options = ["benchmark=file", f"benchmark.path={path}", "llm=simulated", f"home={home}"]
    assert prepare_here(options) == 20
    text_file(tmp_path, "sums.jsonl", "".join(lines[1:]))
    with unchanged(home):
        refused(["prepare", *options], "file", "changed")


def prepare_here(options: Sequence[str]) -> int:
    import asyncio
    from threading import Thread

    from flows.prepare import store_problems
    from flows.run.opening import session

    async def prepare() -> None:
        async with session("prepare", list(options)) as current:
            store_problems(current)

    # The tests' own event loop runs in this thread.
    thread = Thread(target=lambda: asyncio.run(prepare()))
    thread.start()
    thread.join()
    home = next(item.partition("=")[2] for item in options if item.startswith("home="))
    return int(Warehouse.open(f"{home}/warehouse.duckdb").query("FROM problems").height)


def checkpoint_ids(home: Path) -> dict[str, str]:
    rows = Warehouse.open(home / "warehouse.duckdb").query(
        "SELECT controller, checkpoint_id FROM checkpoints"
    )
    return {str(kind): str(name) for kind, name in rows.iter_rows()}


@pytest.mark.slow
def test_a_parameter_that_the_endpoint_refuses_is_known_before_the_run(home: Path) -> None:
    message = "Unsupported parameter: 'seed' is not supported with this model."
    with ScriptedEndpoint(fails(400, message), models=lists("tiny")) as endpoint:
        given = ("llm=endpoint", "llm.model=tiny", f"llm.base_url={endpoint.base_url}")
        refused(
            ["retrain", *TINY, *given, f"home={home}"], "parameter seed", "llm.omit=[seed]", message
        )
        (seen,) = endpoint.script.chats_seen
    assert seen.body["max_tokens"] == 1024
