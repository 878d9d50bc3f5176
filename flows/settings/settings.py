"""What a resolved configuration must look like; a wrong value ends in one clear sentence."""

from functools import partial
from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator

from flows.settings.benchmark import BenchmarkConfig
from flows.settings.calibration import CalibrationConfig
from flows.settings.comparison import ComparisonConfig, SweepConfig
from flows.settings.controller import ControllerConfig
from flows.settings.deployment import DeploymentConfig
from flows.settings.drift import DriftConfig
from flows.settings.engine import EngineConfig
from flows.settings.evaluation import EvaluationConfig, PromotionConfig
from flows.settings.execution import ExecutionConfig
from flows.settings.first_keys import without_unused_later_keys
from flows.settings.gateway import GatewayConfig
from flows.settings.judge import JudgeConfig
from flows.settings.latency import LatencyConfig
from flows.settings.learner import LearnerConfig
from flows.settings.llm import LLMConfig
from flows.settings.operators import OperatorsConfig
from flows.settings.prefect import PrefectConfig
from flows.settings.recording import ExportConfig, RecordingConfig, RetentionConfig
from flows.settings.sandbox import SandboxConfig
from flows.settings.section import Overlap, Section
from flows.settings.serving import ServingConfig
from flows.settings.simulation import SimulationConfig
from flows.settings.table import TableConfig
from flows.settings.training import BaselineConfig, CreditConfig, TrainingConfig
from lamas.domain import digest
from lamas.errors import ConfigurationError

LARGEST_SEED = 2**63 - 1
"""What the warehouse's integers hold."""


_NO_RESULT = (
    *("home", "warehouse", "warehouse_wait_seconds", "resume", "overlap", "prefect", "engine"),
    *("serving", "latency", "deployment", "drift", "gateway", "recording", "export", "retention"),
    "calibration",
)
"""Sections that say where things lie, how they are shared and shown, and when they run."""


class Settings(Section):
    """The whole resolved configuration."""

    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    home: Path
    """Folder of warehouse, checkpoints, responses and the local Prefect server."""
    warehouse: Path
    warehouse_wait_seconds: float = Field(default=60.0, ge=0)
    """How long to wait for a warehouse that another program holds."""
    run: str | None = None
    """Run to work on; the latest suitable one by default."""
    checkpoint: str | None = None
    """An id, `champion`, `new`, or the latest by default; `evaluate` also takes `none`."""
    deadline: float | None = Field(default=None, gt=0)
    """Mean waiting asked for, in the unit of the controller's clock."""
    multiplier: float | None = Field(default=None, gt=0)
    """Price of a unit of waiting in score, in place of a deadline."""
    resume: bool = True
    overlap: Overlap = "refuse"
    """When another run writes to the home folder: end with a sentence, or wait for it."""
    benchmark: BenchmarkConfig
    llm: LLMConfig
    operators: OperatorsConfig
    controller: ControllerConfig
    learner: LearnerConfig = LearnerConfig()
    credit: CreditConfig
    baseline: BaselineConfig
    training: TrainingConfig
    table: TableConfig = TableConfig()
    execution: ExecutionConfig
    engine: EngineConfig = EngineConfig()
    sandbox: SandboxConfig
    serving: ServingConfig = ServingConfig()
    evaluation: EvaluationConfig
    latency: LatencyConfig = LatencyConfig()
    comparison: ComparisonConfig = ComparisonConfig()
    sweep: SweepConfig = SweepConfig()
    promotion: PromotionConfig
    prefect: PrefectConfig
    deployment: DeploymentConfig = DeploymentConfig()
    drift: DriftConfig = DriftConfig()
    gateway: GatewayConfig = GatewayConfig()
    judge: JudgeConfig = JudgeConfig()
    recording: RecordingConfig = RecordingConfig()
    export: ExportConfig = ExportConfig()
    retention: RetentionConfig = RetentionConfig()
    calibration: CalibrationConfig
    simulation: SimulationConfig = SimulationConfig()

    @field_validator("home", "warehouse")
    @classmethod
    def _a_path_that_all_parts_can_name(cls, path: Path) -> Path:
        # Prefect puts it into the address of its database, where a question mark ends the path.
        odd = next(
            (letter for letter in str(path) if letter == "?" or not letter.isprintable()), ""
        )
        if odd:
            raise ValueError(f"{str(path)!r} holds {odd!r}, which is no part of a usable path")
        return path

    @model_validator(mode="after")
    def _leave_one_out_needs_others(self) -> "Settings":
        if self.baseline.kind == "leave_one_out" and self.training.rollouts_per_problem < 2:
            raise ValueError(
                "baseline=leave_one_out needs training.rollouts_per_problem ≥ 2, got "
                f"{self.training.rollouts_per_problem}; raise it or choose baseline=ema"
            )
        return self

    @model_validator(mode="after")
    def _a_table_teaches_a_conditioned_controller(self) -> "Settings":
        if self.learner.kind == "table" and self.controller.kind != "conditioned":
            raise ValueError(
                f"learner=table trains controller=conditioned, controller={self.controller.kind} "
                "is configured; leave it out or take learner=reinforce"
            )
        if self.controller.kind == "conditioned" and self.controller.layers != 1:
            raise ValueError(
                "controller.kind=conditioned chooses one layer, controller.layers="
                f"{self.controller.layers} is configured; leave it out or take learner=reinforce"
            )
        if self.controller.kind == "conditioned" and self.controller.width is None:
            raise ValueError(
                "controller.kind=conditioned values every layer it may choose and needs "
                "controller.width; controller=conditioned sets it to 3"
            )
        return self

    @model_validator(mode="after")
    def _one_condition(self) -> "Settings":
        if self.deadline is not None and self.multiplier is not None:
            raise ValueError(
                f"deadline={self.deadline:g} and multiplier={self.multiplier:g} were both given: a "
                "deadline chooses the multiplier, give one of them"
            )
        return self

    @model_validator(mode="after")
    def _reuse_needs_answers(self) -> "Settings":
        if self.recording.texts != "keep" and self.llm.reuse_responses == "always":
            raise ValueError(
                f"recording.texts={self.recording.texts} deletes a run's answers once it "
                "completes, llm.reuse_responses=always needs them later; set one of them back"
            )
        return self

    @model_validator(mode="after")
    def _shards_share_no_answers(self) -> "Settings":
        if self.engine.kind != "local" and self.llm.reuse_responses != "run":
            raise ValueError(
                f"llm.reuse_responses={self.llm.reuse_responses} needs all rollouts in one "
                f"process, engine={self.engine.kind} spreads them; set one of them back"
            )
        return self

    @model_validator(mode="after")
    def _shards_share_no_caps_of_models(self) -> "Settings":
        capped = [
            name
            for name, model in self.llm.models.items()
            if model.max_usd is not None or model.max_calls is not None
        ]
        if self.engine.kind != "local" and capped:
            raise ValueError(
                f"llm.models.{capped[0]} has a cap of its own, which needs all rollouts in one "
                f"process, and engine={self.engine.kind} spreads them; leave it out or take "
                "engine=local"
            )
        return self

    def of_model(self, name: str | None) -> "Settings":
        """The same with `llm` as it holds for one of several models; None is the default one."""
        if name is None:
            return self
        return self.model_copy(update={"llm": self.llm.of_model(name)})

    @property
    def landing_folder(self) -> Path:
        return self.home / "landing"

    @property
    def checkpoints_folder(self) -> Path:
        return self.home / "checkpoints"

    @property
    def reports_folder(self) -> Path:
        return self.home / "reports"

    @property
    def embeddings_path(self) -> Path:
        return self.home / "embeddings.sqlite"

    @property
    def responses_path(self) -> Path:
        return self.home / "responses.sqlite"

    @property
    def prefect_home(self) -> Path:
        return self.home / "prefect"

    @property
    def seconds_are_the_models(self) -> bool:
        """False where a simulated model does not wait: a makespan is then the machine's own."""
        return not self.simulated or bool(self.llm.simulated.time_scale)

    @property
    def arrival_is_real(self) -> bool:
        """Whether a layer's quorum is of chains as they arrive; by the seconds of their records
        otherwise, so that equal seeds give equal results."""
        return self.llm.kind != "recorded" and self.seconds_are_the_models

    @property
    def simulated(self) -> bool:
        return self.llm.kind == "simulated"

    def result_digest(self, kind: str, *, prompts: str) -> str:
        """Digest of `kind`, of the prompts' digest, and of everything configured that determines a
        run's results.

        Concurrency, caps, timeouts, where things lie and how they are shown stay out: a run that
        was stopped may be continued with others. A key that the first release did not have is in it
        where it does not hold its default: a run that was stopped may be continued by a later one.
        """
        dumped = partial(
            self.model_dump,
            mode="json",
            exclude={
                **dict.fromkeys(_NO_RESULT, True),
                "judge": {} if kind == "judge" else True,
                "comparison": {"at_once"} if kind == "compare" else True,
                "simulation": {} if kind == "simulate" else True,
                # Pydantic knows no False here.
                "sweep": {} if kind == "sweep" else True,
                "sandbox": {"concurrency"},
                "execution": {"concurrency", "granularity"},
                "operators": {"prompts"},
                "training": {"max_failed_fraction"},
                "llm": {
                    "api_key_env": True,
                    "concurrency": True,
                    "max_usd": True,
                    "max_calls": True,
                    "retry": True,
                    "across_processes": True,
                    "connect_timeout_seconds": True,
                    "first_chunk_timeout_seconds": True,
                    "total_timeout_seconds": True,
                    "simulated": {"in_process"},
                    "recorded": {"time_scale"},
                    "models": {
                        "__all__": {
                            "api_key_env",
                            "concurrency",
                            "max_usd",
                            "max_calls",
                            "retry",
                            "across_processes",
                        }
                    },
                },
            },
        )
        content = without_unused_later_keys(dumped(), dumped(exclude_defaults=True))
        return digest(kind, content, prompts)


def validate(content: object) -> Settings:
    """Settings from a resolved configuration; ConfigurationError names key, value and limit."""
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    parts: list[str] = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if item["type"] == "extra_forbidden":
            parts.append(f"unknown key {key}; `lamas retrain --cfg job` shows the known ones")
        elif item["type"] == "value_error":
            parts.append(f"{key}: {message}" if key else message)
        elif item["type"] == "missing" or item["input"] is None:
            parts.append(f"{key} is missing: set it with {key}=…")
        else:
            given = item["input"]
            parts.append(f"{key}={given!r} cannot be used: {message}")
    return "configuration: " + "; ".join(parts)
