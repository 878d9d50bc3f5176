-- Grain: one policy and purpose in one run: how well CP_len predicts measured seconds.
CREATE OR REPLACE VIEW latency_prediction AS
WITH
measured AS (
    SELECT
        run_id,
        policy,
        purpose,
        cp_tokens,
        virtual_seconds,
        makespan_seconds
    FROM rollouts
    -- A replayed call keeps the times of its first answer: such a makespan is no measurement.
    WHERE status = 'ok' AND replayed_calls = 0
),

-- Equal values share the mean of their ranks.
ranked AS (
    SELECT
        *,
        rank() OVER (by_tokens)
        + (count(*) OVER (PARTITION BY run_id, policy, purpose, cp_tokens) - 1) / 2
            AS tokens_rank,
        rank() OVER (by_seconds)
        + (count(*) OVER (PARTITION BY run_id, policy, purpose, makespan_seconds) - 1) / 2
            AS seconds_rank
    FROM measured
    WINDOW
        by_tokens AS (PARTITION BY run_id, policy, purpose ORDER BY cp_tokens),
        by_seconds AS (PARTITION BY run_id, policy, purpose ORDER BY makespan_seconds)
)

SELECT
    run_id,
    policy,
    purpose,
    count(*) AS rollouts,
    -- Undefined unless both vary.
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT makespan_seconds) > 1
            THEN corr(cp_tokens, makespan_seconds)
    END AS correlation,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT makespan_seconds) > 1
            THEN corr(tokens_rank, seconds_rank)
    END AS rank_correlation,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 THEN regr_slope(makespan_seconds, cp_tokens)
    END AS seconds_per_token,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 THEN regr_intercept(makespan_seconds, cp_tokens)
    END AS seconds_at_zero,
    quantile_cont(makespan_seconds / nullif(virtual_seconds, 0), 0.5) AS makespan_over_t_p50,
    quantile_cont(makespan_seconds, 0.5) AS makespan_seconds_p50,
    quantile_cont(virtual_seconds, 0.5) AS virtual_seconds_p50
FROM ranked
GROUP BY run_id, policy, purpose;
