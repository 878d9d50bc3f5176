-- Grain: one operator invocation and one latency model: its predicted seconds and its place.
CREATE OR REPLACE VIEW predicted_invocations AS
SELECT
    predicted.latency_model_id,
    rollouts.run_id,
    rollouts.rollout_id,
    rollouts.execution_mode,
    invocations.invocation_id,
    invocations.operator,
    invocations.layer,
    invocations.position,
    invocations.kind,
    invocations.status,
    invocations.cost_usd,
    predicted.seconds,
    predicted.held_out
FROM predicted_seconds AS predicted
INNER JOIN operator_invocations AS invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id);
