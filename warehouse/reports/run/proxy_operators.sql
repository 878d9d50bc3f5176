-- How well do its tokens tell how long an operator takes? N_out + γ·t_tool with measured seconds.
WITH
measured AS (
    SELECT
        invocations.operator,
        invocations.cp_tokens,
        invocations.ended_at - invocations.started_at AS seconds
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    -- A replayed call keeps the times of its first answer: such seconds are no measurement.
    WHERE
        rollouts.run_id = getvariable('run_id')
        AND rollouts.status = 'ok'
        AND rollouts.replayed_calls = 0
),

-- Equal values share the mean of their ranks.
ranked AS (
    SELECT
        *,
        rank() OVER (PARTITION BY operator ORDER BY cp_tokens)
        + (count(*) OVER (PARTITION BY operator, cp_tokens) - 1) / 2 AS tokens_rank,
        rank() OVER (PARTITION BY operator ORDER BY seconds)
        + (count(*) OVER (PARTITION BY operator, seconds) - 1) / 2 AS seconds_rank
    FROM measured
)

SELECT
    operator,
    count(*) AS invocations,
    -- Undefined unless both vary, as for an operator that asks no model.
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT seconds) > 1
            THEN corr(cp_tokens, seconds)
    END AS pearson,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT seconds) > 1
            THEN corr(tokens_rank, seconds_rank)
    END AS spearman,
    quantile_cont(seconds, 0.5) AS seconds_p50
FROM ranked
GROUP BY operator
ORDER BY operator;
