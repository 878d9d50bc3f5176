-- Metrics whose value or counts do not follow, to the last bit, from the rollouts of their run.
SELECT
    stated.evaluation_id,
    stated.policy,
    stated.split,
    stated.metric,
    stated.value,
    recomputed.value AS recomputed_value,
    stated.n,
    recomputed.n AS recomputed_n,
    stated.failed,
    recomputed.failed AS recomputed_failed
FROM evaluations AS stated
LEFT JOIN evaluation_recomputed AS recomputed
    ON
        stated.run_id = recomputed.run_id
        AND stated.policy = recomputed.policy
        AND stated.checkpoint_id IS NOT DISTINCT FROM recomputed.checkpoint_id
        AND stated.split = recomputed.split
        AND stated.metric = recomputed.metric
WHERE
    -- Metrics of other names are not recomputed here.
    stated.metric IN (
        'score',
        'cost_usd',
        'cp_tokens_mean',
        'cp_tokens_p50',
        'cp_tokens_p90',
        'virtual_seconds_mean',
        'makespan_seconds_mean',
        'makespan_seconds_p50',
        'makespan_seconds_p90'
    )
    AND (
        stated.value IS DISTINCT FROM recomputed.value
        OR stated.n IS DISTINCT FROM recomputed.n
        OR stated.failed IS DISTINCT FROM recomputed.failed
    );
