"""What the warehouse knows of measured times and of latency models."""

from lamas.domain.latency import LATENCY_UNITS, LatencyModel, SentCall
from lamas.errors import WarehouseError
from warehouse import records
from warehouse.warehouse import Warehouse

_SENT_CALL = records.RecordOf(SentCall)
_LATENCY_MODEL = records.RecordOf(LatencyModel)
_MODEL_COLUMNS = ", ".join(("request_model", *LATENCY_UNITS, "uncached"))

_SENT = """
FROM model_calls AS c JOIN operator_invocations AS i USING (invocation_id)
JOIN rollouts AS r USING (rollout_id)
WHERE NOT c.replayed AND ($1 IS NULL OR r.run_id = $1)
"""


class CallTimes:
    """Reads what latency models are fitted on, and the models."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def latest_measured_run(self) -> str:
        """The run with the latest call that was really sent; WarehouseError when there is none."""
        found = self._warehouse.query(
            f"SELECT r.run_id {_SENT} AND c.status = 'ok' ORDER BY c.started_at DESC LIMIT 1",
            [None],
        )
        if found.is_empty():
            raise WarehouseError(
                f"warehouse {self._warehouse.path} holds no answered model call that was really "
                "sent: run `lamas retrain`, `lamas collect` or `lamas evaluate` first"
            )
        return str(found.item())

    def sent_calls(self, run_id: str | None) -> tuple[SentCall, ...]:
        """Every attempt of the run that was really sent, or of all runs, in order of its start."""
        frame = self._warehouse.query(
            "SELECT i.rollout_id, c.request_model, c.status = 'ok' AS ok, c.usage_input_tokens, "
            "c.usage_output_tokens, c.started_at, c.ended_at, c.time_to_first_chunk_seconds, "
            "c.usage_cached_tokens "
            f"{_SENT} ORDER BY c.started_at, c.invocation_id, c.call_index",
            [run_id],
        )
        return records.read(frame, _SENT_CALL)

    def measured_rollouts(self, run_id: str | None) -> dict[str, tuple[float, float]]:
        """(CP_len in tokens, makespan in seconds) by rollout id, of the run or of all runs.

        Only of finished rollouts that asked one model alone and replayed nothing.
        """
        rows = self._warehouse.query(
            "SELECT r.rollout_id, r.cp_tokens, r.makespan_seconds FROM rollouts AS r "
            "JOIN operator_invocations AS i USING (rollout_id) JOIN model_calls AS c "
            "USING (invocation_id) WHERE r.status = 'ok' AND r.replayed_calls = 0 "
            "AND ($1 IS NULL OR r.run_id = $1) "
            "GROUP BY ALL HAVING count(DISTINCT c.request_model) = 1",
            [run_id],
        ).rows()
        return {str(name): (float(tokens), float(makespan)) for name, tokens, makespan in rows}

    def latency_model(self, latency_model_id: str) -> LatencyModel:
        """A stored latency model; WarehouseError when there is none of that id."""
        frame = self._warehouse.query(
            f"SELECT {_MODEL_COLUMNS} FROM latency_models WHERE latency_model_id = ?",
            [latency_model_id],
        )
        if frame.is_empty():
            raise WarehouseError(
                f"latency model {latency_model_id} is not in warehouse {self._warehouse.path}: "
                "`lamas sql 'FROM latency_models'` lists those it holds"
            )
        return records.read(frame, _LATENCY_MODEL)[0]

    def latest_latency_model(self, request_model: str) -> LatencyModel:
        """The one fitted last for a model; WarehouseError when there is none."""
        frame = self._warehouse.query(
            f"SELECT {_MODEL_COLUMNS} FROM latency_models WHERE request_model = ? "
            "ORDER BY fitted_at DESC, latency_model_id LIMIT 1",
            [request_model],
        )
        if frame.is_empty():
            raise WarehouseError(
                f"no latency model of {request_model} is in warehouse {self._warehouse.path}: fit "
                "one with `lamas latency`, or train with training.latency_model=proxy"
            )
        return records.read(frame, _LATENCY_MODEL)[0]

    def credited_latency_model(self, run_id: str) -> LatencyModel | None:
        """The latency model that credits of a run's rollouts rest on already, if they do."""
        frame = self._warehouse.query(
            "SELECT c.latency_model_id FROM credits AS c JOIN rollouts AS r USING (rollout_id) "
            "WHERE r.run_id = ? AND c.latency_model_id IS NOT NULL LIMIT 1",
            [run_id],
        )
        return None if frame.is_empty() else self.latency_model(str(frame.item()))
