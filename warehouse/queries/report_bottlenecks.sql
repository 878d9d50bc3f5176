-- Which operators held up each evaluated policy of the run? Share of its summed critical paths.
WITH
placed AS (
    SELECT
        answered.policy,
        answered.checkpoint_id,
        invocations.layer,
        invocations.operator,
        invocations.cp_tokens,
        labels.is_critical,
        -- Operators that tie for the maximum of a layer share its time, so that shares add up to 1.
        CASE
            WHEN NOT labels.is_critical THEN 0.0::DOUBLE
            WHEN rollouts.execution_mode = 'sequential' THEN invocations.cp_tokens
            ELSE
                invocations.cp_tokens / count_if(labels.is_critical) OVER (
                    PARTITION BY rollouts.rollout_id, invocations.layer
                )
        END AS critical_tokens
    FROM evaluated_rollouts AS answered
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN operator_invocations AS invocations USING (rollout_id)
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE answered.run_id = getvariable('run_id') AND answered.status = 'ok'
)

SELECT
    policy,
    checkpoint_id,
    layer,
    operator,
    count(*) AS invocations,
    count_if(is_critical) / count(*) AS critical_share,
    quantile_cont(cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(cp_tokens, 0.9) AS cp_tokens_p90,
    sum(critical_tokens)
    / nullif(sum(sum(critical_tokens)) OVER (PARTITION BY policy, checkpoint_id), 0)
        AS critical_path_share
FROM placed
GROUP BY policy, checkpoint_id, layer, operator
ORDER BY policy ASC, checkpoint_id ASC, critical_path_share DESC, layer ASC, operator ASC;
