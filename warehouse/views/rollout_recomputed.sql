-- Grain: one rollout, its cost, CP_len, T and makespan recomputed from its invocations.
-- That these follow from their calls is the matter of invocation_recomputed.
CREATE OR REPLACE VIEW rollout_recomputed AS
WITH
paths AS (
    SELECT
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.execution_mode,
        -- Sorts by layer, then by position.
        list_sort(
            list(
                {
                    'layer': invocations.layer,
                    'position': invocations.position,
                    'length': invocations.cp_tokens,
                    'cost_usd': invocations.cost_usd
                }
            )
        ) AS parts,
        max(invocations.ended_at) - min(invocations.started_at) AS makespan_seconds
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY rollouts.run_id, rollouts.rollout_id, rollouts.execution_mode
),

replays AS (
    SELECT
        operator_invocations.rollout_id,
        count(DISTINCT model_calls.call_id) AS replayed_calls
    FROM model_calls
    INNER JOIN operator_invocations USING (invocation_id)
    WHERE model_calls.replayed
    GROUP BY operator_invocations.rollout_id
),

totals AS (
    SELECT
        run_id,
        rollout_id,
        path_cost_usd(parts) AS cost_usd,
        path_length(parts, execution_mode = 'sequential') AS cp_tokens,
        makespan_seconds
    FROM paths
)

SELECT
    rollouts.rollout_id,
    rollouts.run_id,
    rollouts.status,
    rollouts.score,
    coalesce(totals.cost_usd, 0.0::DOUBLE) AS cost_usd,
    coalesce(totals.cp_tokens, 0.0::DOUBLE) AS cp_tokens,
    coalesce(totals.cp_tokens, 0.0::DOUBLE) / rollouts.gamma AS virtual_seconds,
    coalesce(totals.makespan_seconds, 0.0::DOUBLE) AS makespan_seconds,
    coalesce(replays.replayed_calls, 0) AS replayed_calls
FROM rollouts
LEFT JOIN totals USING (run_id, rollout_id)
LEFT JOIN replays USING (rollout_id);
