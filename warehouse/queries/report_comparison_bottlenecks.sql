-- Which operators held up each variant? Share of the summed critical paths of its evaluation.
WITH
placed AS (
    SELECT
        members.variant,
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
    FROM comparison_members AS members
    INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id
    INNER JOIN rollouts ON answered.rollout_id = rollouts.rollout_id
    INNER JOIN operator_invocations AS invocations ON rollouts.rollout_id = invocations.rollout_id
    INNER JOIN critical_path_labels AS labels ON invocations.invocation_id = labels.invocation_id
    WHERE members.comparison_run_id = getvariable('run_id') AND answered.status = 'ok'
)

SELECT
    variant,
    layer,
    operator,
    count(*) AS invocations,
    count_if(is_critical) / count(*) AS critical_share,
    quantile_cont(cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(cp_tokens, 0.9) AS cp_tokens_p90,
    sum(critical_tokens)
    / nullif(sum(sum(critical_tokens)) OVER (PARTITION BY variant), 0) AS critical_path_share
FROM placed
GROUP BY variant, layer, operator
ORDER BY variant ASC, critical_path_share DESC, layer ASC, operator ASC;
