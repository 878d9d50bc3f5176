-- What a policy saw after a layer that was not run, that it stopped at although more layers ran, or
-- that its rollout says otherwise: CP_len so far, programs that failed so far.
WITH
layers AS (
    SELECT
        rollout_id,
        layer,
        max(cp_tokens) AS cp_tokens
    FROM operator_invocations
    WHERE kind = 'graph'
    GROUP BY rollout_id, layer
),

failed AS (
    SELECT
        invocations.rollout_id,
        invocations.layer,
        count(*) AS programs
    FROM tool_executions AS tools
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    WHERE tools.role = 'operator' AND tools.status <> 'ok'
    GROUP BY invocations.rollout_id, invocations.layer
),

so_far AS (
    SELECT
        layers.rollout_id,
        layers.layer,
        ordered_sum(list(layers.cp_tokens) OVER earlier) AS cp_tokens,
        coalesce(sum(failed.programs) OVER earlier, 0) AS failed_programs
    FROM layers
    LEFT JOIN failed USING (rollout_id, layer)
    WINDOW earlier AS (PARTITION BY layers.rollout_id ORDER BY layers.layer)
)

SELECT
    seen.rollout_id,
    seen.layer,
    seen.stopped,
    len(rollouts.graph) AS layers,
    seen.cp_tokens,
    so_far.cp_tokens AS recomputed_cp_tokens,
    seen.failed_programs,
    so_far.failed_programs AS recomputed_failed_programs
FROM observations AS seen
INNER JOIN rollouts USING (rollout_id)
LEFT JOIN so_far ON seen.rollout_id = so_far.rollout_id AND seen.layer = so_far.layer
WHERE
    seen.layer > len(rollouts.graph)
    OR (rollouts.status = 'ok' AND seen.stopped <> (seen.layer = len(rollouts.graph)))
    OR (rollouts.execution_mode = 'parallel' AND seen.cp_tokens IS DISTINCT FROM so_far.cp_tokens)
    OR seen.failed_programs IS DISTINCT FROM so_far.failed_programs;
