-- How well does CP_len tell how long a rollout of the run takes? Over all policies and purposes.
WITH
measured AS (
    SELECT
        cp_tokens,
        makespan_seconds
    FROM rollouts
    -- A replayed call keeps the times of its first answer: such a makespan is no measurement.
    WHERE run_id = getvariable('run_id') AND status = 'ok' AND replayed_calls = 0
),

-- Equal values share the mean of their ranks.
ranked AS (
    SELECT
        *,
        rank() OVER (ORDER BY cp_tokens)
        + (count(*) OVER (PARTITION BY cp_tokens) - 1) / 2 AS tokens_rank,
        rank() OVER (ORDER BY makespan_seconds)
        + (count(*) OVER (PARTITION BY makespan_seconds) - 1) / 2 AS seconds_rank
    FROM measured
)

SELECT
    count(*) AS rollouts,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT makespan_seconds) > 1
            THEN corr(cp_tokens, makespan_seconds)
    END AS pearson,
    CASE
        WHEN count(DISTINCT cp_tokens) > 1 AND count(DISTINCT makespan_seconds) > 1
            THEN corr(tokens_rank, seconds_rank)
    END AS spearman
FROM ranked
HAVING count(*) > 0;
