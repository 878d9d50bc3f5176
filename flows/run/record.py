"""The row of a run: begun, ended, by which code."""

import json
import logging
import subprocess
import uuid
from functools import cache
from importlib.metadata import version
from pathlib import Path

from flows.orchestrator.process import flow_run_id
from flows.run.session import Session
from flows.settings import Settings
from flows.wiring.operators import prompts_of
from lamas.domain import Clock, Run, RunStatus
from lamas.errors import BudgetExceededError, LamasError, WarehouseError
from lamas.llm import ResponseStore
from lamas.operators import unused_later
from warehouse.reader import Reader

logger = logging.getLogger(__name__)


def new_run(settings: Settings, kind: str) -> Run:
    """The row of a run that begins now."""
    prompts = prompts_of(settings).digest(without=unused_later(settings.operators.enabled))
    return Run(
        run_id=f"{kind}-{uuid.uuid4().hex[:12]}",
        kind=kind,
        config_json=json.dumps(settings.model_dump(mode="json"), sort_keys=True),
        config_digest=settings.result_digest(kind, prompts=prompts),
        code_version=code_version(),
        prompts_digest=prompts,
        seed=settings.seed,
        simulated=settings.simulated or kind == "simulate",
        status="running",
        started_at=Clock().now(),
        prefect_flow_run_id=flow_run_id(),
    )


def unfinished_run(reader: Reader, fresh: Run) -> Run | None:
    """The latest run of the same kind and configuration that did not complete."""
    return next(
        (
            run
            for run in reversed(reader.runs(kind=fresh.kind))
            if run.config_digest == fresh.config_digest and run.status != "completed"
        ),
        None,
    )


@cache
def code_version() -> str:
    """Package version, and the git commit when running from a checkout."""
    root = Path(__file__).resolve().parent.parent.parent
    try:
        commit = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return version("lamas")
    return f"{version('lamas')}+{commit}"


def forget_answers(opened: Session) -> None:
    """A run that is about to complete needs its answers no more: keep them only if told to."""
    path = opened.settings.responses_path
    if opened.settings.recording.texts != "keep" and path.exists():
        with ResponseStore(path) as store:
            store.forget([opened.run.run_id])


def status_after(error: BaseException) -> RunStatus:
    """How a run ends that `error` ends."""
    # Whoever stops a run, or sets a cap that does, wants nothing mended or tried again.
    stopped = isinstance(error, BudgetExceededError) or not isinstance(error, Exception)
    return "cancelled" if stopped else "failed"


def record_end(opened: Session, error: BaseException, message: str) -> None:
    """Mark the run as ended by `error`; a warehouse that cannot be written to is only logged."""
    run_id = opened.run.run_id
    try:
        opened.writer.finish_run(
            run_id, status_after(error), ended_at=opened.clock.now(), error=message
        )
    except WarehouseError as problem:
        # The first error is the one to report; the run can be taken up again either way.
        logger.warning("the end of run %s is not recorded: %s", run_id, problem)


def give_up(opened: Session, error: BaseException) -> None:
    """Mark the run as ended by `error`, in its own words."""
    message = str(error) if isinstance(error, LamasError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, Exception):
        # Cancelled, interrupted, or Prefect's own signal.
        message = "stopped from outside"
    record_end(opened, error, message)
