-- Grain: one rollout, its cost, CP_len, T and makespan recomputed from model calls and tool runs.
CREATE OR REPLACE VIEW rollout_recomputed AS
WITH
-- Looked at once, not for each of the figures below.
invocations AS MATERIALIZED (
    SELECT
        rollout_id,
        layer,
        position,
        cp_tokens,
        cost_usd,
        started_at,
        ended_at
    FROM invocation_recomputed
),

layers AS (
    SELECT
        invocations.rollout_id,
        invocations.layer,
        -- As in layer_recomputed.
        CASE
            WHEN any_value(rollouts.execution_mode) = 'sequential'
                THEN
                    ordered_sum(
                        list(invocations.cp_tokens ORDER BY invocations.position)
                        FILTER (WHERE rollouts.execution_mode = 'sequential')
                    )
            ELSE max(invocations.cp_tokens)
        END AS cp_tokens
    FROM invocations
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY invocations.rollout_id, invocations.layer
),

paths AS (
    SELECT
        rollout_id,
        ordered_sum(list(cp_tokens ORDER BY layer)) AS cp_tokens
    FROM layers
    GROUP BY rollout_id
),

totals AS (
    SELECT
        rollout_id,
        ordered_sum(list(cost_usd ORDER BY layer, position)) AS cost_usd,
        max(ended_at) - min(started_at) AS makespan_seconds
    FROM invocations
    GROUP BY rollout_id
),

replays AS (
    SELECT
        operator_invocations.rollout_id,
        count(DISTINCT model_calls.call_id) AS replayed_calls
    FROM model_calls
    INNER JOIN operator_invocations USING (invocation_id)
    WHERE model_calls.replayed
    GROUP BY operator_invocations.rollout_id
)

SELECT
    rollouts.rollout_id,
    rollouts.run_id,
    rollouts.status,
    rollouts.score,
    coalesce(totals.cost_usd, 0.0::DOUBLE) AS cost_usd,
    coalesce(paths.cp_tokens, 0.0::DOUBLE) AS cp_tokens,
    coalesce(paths.cp_tokens, 0.0::DOUBLE) / rollouts.gamma AS virtual_seconds,
    coalesce(totals.makespan_seconds, 0.0::DOUBLE) AS makespan_seconds,
    coalesce(replays.replayed_calls, 0) AS replayed_calls
FROM rollouts
LEFT JOIN paths USING (rollout_id)
LEFT JOIN totals USING (rollout_id)
LEFT JOIN replays USING (rollout_id);
