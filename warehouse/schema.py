"""Which tables there are, in what order they fill, and what makes two of their rows contradict."""

from dataclasses import dataclass

EMBEDDING_SIZE = 384
"""Numbers in a query embedding; the width of `problems.embedding`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What the migrations cannot say about a table; its columns and types come from the file."""

    name: str
    key: tuple[str, ...]
    contradicts: tuple[str, ...] = ()
    """Columns in which a second row under the same key must agree with the stored one."""


RUNS = Table(name="runs", key=("run_id",), contradicts=("kind", "config_digest", "seed"))
PROBLEMS = Table(
    name="problems",
    key=("problem_id",),
    contradicts=("split", "version", "question", "reference"),
)
CHECKPOINTS = Table(
    name="checkpoints", key=("checkpoint_id",), contradicts=("controller", "step", "digest")
)
# A rollout that is run again after a crash measures other seconds: the stored one stands.
ROLLOUTS = Table(name="rollouts", key=("rollout_id",))
DECISIONS = Table(name="decisions", key=("rollout_id", "layer", "operator"))
INVOCATIONS = Table(name="operator_invocations", key=("invocation_id",))
MODEL_CALLS = Table(name="model_calls", key=("invocation_id", "call_index"))
TOOL_EXECUTIONS = Table(name="tool_executions", key=("invocation_id", "tool_index"))
LABELS = Table(name="critical_path_labels", key=("invocation_id",))
CHAIN_OUTCOMES = Table(name="chain_outcomes", key=("rollout_id", "chain"))
OBSERVATIONS = Table(name="observations", key=("rollout_id", "layer"))
CREDITS = Table(
    name="credits",
    key=("rollout_id", "layer", "operator", "credit_rule"),
    contradicts=(
        "score_term",
        "cost_term",
        "latency_term",
        "reward",
        "baseline",
        "scale",
        "latency_model_id",
    ),
)
UPDATES = Table(
    name="updates",
    key=("update_id",),
    contradicts=("run_id", "step", "checkpoint_before", "checkpoint_after"),
)
EVALUATIONS = Table(
    name="evaluations",
    key=("evaluation_id", "policy", "split", "metric"),
    contradicts=("run_id", "checkpoint_id", "value", "n", "failed"),
)
PROMOTIONS = Table(name="promotions", key=("promotion_number",))
COMPARISON_MEMBERS = Table(
    name="comparison_members",
    key=("comparison_run_id", "variant", "training_seed"),
    contradicts=("run_id", "learned"),
)
COMPARISON_ESTIMATES = Table(
    name="comparison_estimates",
    key=("comparison_run_id", "variant", "reference", "metric"),
    contradicts=("value", "seeds", "problems", "pairs", "margin"),
)
LATENCY_MODELS = Table(
    name="latency_models", key=("latency_model_id",), contradicts=("request_model",)
)
PREDICTED_SECONDS = Table(
    name="predicted_seconds",
    key=("invocation_id", "latency_model_id"),
    contradicts=("seconds",),
)
TABLE_FITS = Table(
    name="table_fits", key=("run_id",), contradicts=("checkpoint_id", "multiplier", "best_score")
)
OPERATING_POINTS = Table(
    name="operating_points", key=("checkpoint_id", "multiplier"), contradicts=("score", "time")
)
SERVED_REQUESTS = Table(name="served_requests", key=("request_id",))
FEEDBACK = Table(name="feedback", key=("feedback_id",))
TRIALS = Table(name="trials", key=("request_id",))
TAGGED_CHAMPIONS = Table(name="tagged_champions", key=("decision_number",))
SIMULATED_CELLS = Table(
    name="simulated_cells", key=("cell_id",), contradicts=("run_id", "policies", "load", "seed")
)
SIMULATED_WORKFLOWS = Table(name="simulated_workflows", key=("cell_id", "workflow"))
SIMULATED_CALLS = Table(name="simulated_calls", key=("cell_id", "call"))
SIMULATED_NODE_SAMPLES = Table(name="simulated_node_samples", key=("cell_id", "node", "seen_at"))
SIMULATED_COLD_STARTS = Table(
    name="simulated_cold_starts", key=("cell_id", "node", "model", "began_at")
)
# A run that goes on fits again to what it has by then: the first profile stands.
LENGTH_PROFILES = Table(name="length_profiles", key=("run_id", "role", "model"))
TOKEN_LIMITS = Table(
    name="token_limits", key=("run_id", "operator"), contradicts=("model", "max_tokens")
)

TABLES: tuple[Table, ...] = (
    RUNS,
    PROBLEMS,
    CHECKPOINTS,
    ROLLOUTS,
    DECISIONS,
    INVOCATIONS,
    MODEL_CALLS,
    TOOL_EXECUTIONS,
    LABELS,
    CHAIN_OUTCOMES,
    OBSERVATIONS,
    CREDITS,
    UPDATES,
    EVALUATIONS,
    PROMOTIONS,
    COMPARISON_MEMBERS,
    COMPARISON_ESTIMATES,
    LATENCY_MODELS,
    PREDICTED_SECONDS,
    TABLE_FITS,
    OPERATING_POINTS,
    SERVED_REQUESTS,
    FEEDBACK,
    TRIALS,
    TAGGED_CHAMPIONS,
    SIMULATED_CELLS,
    SIMULATED_WORKFLOWS,
    SIMULATED_CALLS,
    SIMULATED_NODE_SAMPLES,
    SIMULATED_COLD_STARTS,
    LENGTH_PROFILES,
    TOKEN_LIMITS,
)
"""Every table, each after the tables it refers to."""
