-- Grain: one layer of one rollout, its time on the critical path recomputed bottom-up.
CREATE OR REPLACE VIEW layer_recomputed AS
SELECT
    rollout_id,
    run_id,
    layer,
    count(*) AS invocations,
    CASE
        WHEN execution_mode = 'sequential'
            THEN
                ordered_sum(
                    list(cp_tokens ORDER BY position) FILTER (WHERE execution_mode = 'sequential')
                )
        ELSE max(cp_tokens)
    END AS cp_tokens,
    ordered_sum(list(cost_usd ORDER BY position)) AS cost_usd,
    max(ended_at) - min(started_at) AS seconds
FROM invocation_recomputed
GROUP BY rollout_id, run_id, execution_mode, layer;
