-- Grain: one policy and purpose in one run: how well CP_len predicts measured seconds.
CREATE OR REPLACE VIEW latency_prediction AS
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
        WHEN count(DISTINCT cp_tokens) > 1 THEN regr_slope(makespan_seconds, cp_tokens)
    END AS seconds_per_token,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 THEN regr_intercept(makespan_seconds, cp_tokens)
    END AS seconds_at_zero,
    quantile_cont(makespan_seconds / nullif(virtual_seconds, 0), 0.5) AS makespan_over_t_p50,
    quantile_cont(makespan_seconds, 0.5) AS makespan_seconds_p50,
    quantile_cont(virtual_seconds, 0.5) AS virtual_seconds_p50
FROM rollouts
-- A replayed call keeps the times of its first answer: such a makespan is no measurement.
WHERE status = 'ok' AND replayed_calls = 0
GROUP BY run_id, policy, purpose;
