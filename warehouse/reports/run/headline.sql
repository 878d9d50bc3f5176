-- What did each policy of the run achieve? Values recomputed from rollouts, intervals as stored.
SELECT
    stored.evaluation_id,
    stored.run_id,
    stored.checkpoint_id,
    stored.policy,
    stored.split,
    stored.metric,
    recomputed.value,
    stored.low,
    stored.high,
    recomputed.n,
    recomputed.failed,
    stored.method
FROM evaluations AS stored
INNER JOIN evaluation_recomputed AS recomputed
    ON
        stored.run_id = recomputed.run_id
        AND stored.policy = recomputed.policy
        AND stored.checkpoint_id IS NOT DISTINCT FROM recomputed.checkpoint_id
        AND stored.split = recomputed.split
        AND stored.metric = recomputed.metric
WHERE stored.run_id = getvariable('run_id')
ORDER BY stored.policy, stored.checkpoint_id, stored.split, stored.metric;
