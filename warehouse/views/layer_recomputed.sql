-- Grain: one layer of one rollout, its time on the critical path recomputed bottom-up.
CREATE OR REPLACE VIEW layer_recomputed AS
SELECT
    invocations.rollout_id,
    invocations.layer,
    count(*) AS invocations,
    CASE
        WHEN any_value(rollouts.execution_mode) = 'sequential'
            THEN
                ordered_sum(
                    list(invocations.cp_tokens ORDER BY invocations.position)
                    FILTER (WHERE rollouts.execution_mode = 'sequential')
                )
        ELSE max(invocations.cp_tokens)
    END AS cp_tokens,
    ordered_sum(list(invocations.cost_usd ORDER BY invocations.position)) AS cost_usd,
    max(invocations.ended_at) - min(invocations.started_at) AS seconds
FROM invocation_recomputed AS invocations
INNER JOIN rollouts USING (rollout_id)
GROUP BY invocations.rollout_id, invocations.layer;
