-- Grain: one operator in one layer, of one policy and purpose in one run; failed rollouts left out.
CREATE OR REPLACE VIEW operator_bottlenecks AS
WITH
placed AS (
    SELECT
        rollouts.run_id,
        rollouts.policy,
        rollouts.purpose,
        rollouts.replayed_calls,
        invocations.layer,
        invocations.operator,
        invocations.cp_tokens,
        labels.is_critical,
        invocations.ended_at - invocations.started_at AS seconds,
        -- Operators that tie for the maximum of a layer share its time, so that shares add up to 1.
        CASE
            WHEN NOT labels.is_critical THEN 0.0::DOUBLE
            WHEN rollouts.execution_mode = 'sequential' THEN invocations.cp_tokens
            ELSE
                invocations.cp_tokens / count_if(labels.is_critical) OVER (
                    PARTITION BY rollouts.rollout_id, invocations.layer
                )
        END AS critical_tokens
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE rollouts.status = 'ok'
)

SELECT
    run_id,
    policy,
    purpose,
    layer,
    operator,
    count(*) AS invocations,
    count_if(is_critical)::BIGINT AS critical_invocations,
    count_if(is_critical) / count(*) AS critical_share,
    quantile_cont(cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(cp_tokens, 0.9) AS cp_tokens_p90,
    quantile_cont(cp_tokens, 0.99) AS cp_tokens_p99,
    -- Measured seconds mean something only where nothing came from the response store.
    quantile_cont(seconds, 0.5) FILTER (WHERE replayed_calls = 0) AS seconds_p50,
    quantile_cont(seconds, 0.9) FILTER (WHERE replayed_calls = 0) AS seconds_p90,
    quantile_cont(seconds, 0.99) FILTER (WHERE replayed_calls = 0) AS seconds_p99,
    sum(critical_tokens)
    / nullif(sum(sum(critical_tokens)) OVER (PARTITION BY run_id, policy, purpose), 0)
        AS critical_path_share
FROM placed
GROUP BY run_id, policy, purpose, layer, operator;
