-- Grain: one operator in one layer, of one policy and purpose in one run; failed rollouts left out.
CREATE OR REPLACE VIEW operator_bottlenecks AS
WITH
measured AS (
    SELECT
        run_id,
        rollouts.policy,
        rollouts.purpose,
        shares.layer,
        shares.operator,
        count(*) AS invocations,
        count_if(shares.is_critical)::BIGINT AS critical_invocations,
        count_if(shares.was_cancelled)::BIGINT AS cancelled_invocations,
        -- How long one takes that was cut short is not known.
        quantile_cont(shares.cp_tokens, [0.5, 0.9, 0.99]) FILTER (
            WHERE NOT shares.was_cancelled
        ) AS cp_tokens,
        -- Measured seconds mean something only where nothing came from the response store.
        quantile_cont(shares.seconds, [0.5, 0.9, 0.99]) FILTER (
            WHERE rollouts.replayed_calls = 0 AND NOT shares.was_cancelled
        ) AS seconds,
        sum(shares.critical_tokens) AS critical_tokens
    FROM critical_shares AS shares
    INNER JOIN rollouts USING (run_id, rollout_id)
    WHERE rollouts.status = 'ok'
    GROUP BY
        run_id, rollouts.policy, rollouts.purpose, shares.layer, shares.operator
)

SELECT
    run_id,
    policy,
    purpose,
    layer,
    operator,
    invocations,
    critical_invocations,
    cancelled_invocations,
    critical_invocations / invocations AS critical_share,
    cp_tokens[1] AS cp_tokens_p50,
    cp_tokens[2] AS cp_tokens_p90,
    cp_tokens[3] AS cp_tokens_p99,
    seconds[1] AS seconds_p50,
    seconds[2] AS seconds_p90,
    seconds[3] AS seconds_p99,
    critical_tokens
    / nullif(sum(critical_tokens) OVER (PARTITION BY run_id, policy, purpose), 0)
        AS critical_path_share
FROM measured;
