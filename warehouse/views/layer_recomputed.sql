-- Grain: one layer of one rollout, its time on the critical path recomputed from its invocations.
-- That these follow from their calls is the matter of invocation_recomputed.
CREATE OR REPLACE VIEW layer_recomputed AS
SELECT
    rollouts.rollout_id,
    rollouts.run_id,
    invocations.layer,
    count(*) AS invocations,
    CASE
        WHEN rollouts.execution_mode = 'sequential'
            THEN
                ordered_sum(
                    list(invocations.cp_tokens ORDER BY invocations.position)
                    FILTER (WHERE rollouts.execution_mode = 'sequential')
                )
        ELSE max(invocations.cp_tokens)
    END AS cp_tokens,
    ordered_sum(list(invocations.cost_usd ORDER BY invocations.position)) AS cost_usd,
    max(invocations.ended_at) - min(invocations.started_at) AS seconds
FROM operator_invocations AS invocations
INNER JOIN rollouts USING (rollout_id)
GROUP BY rollouts.rollout_id, rollouts.run_id, rollouts.execution_mode, invocations.layer;
