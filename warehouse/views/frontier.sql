-- Grain: one policy at one checkpoint, evaluated on one split of one benchmark in one run.
CREATE OR REPLACE VIEW frontier AS
WITH
measured AS (
    SELECT
        run_id,
        benchmark,
        version,
        split,
        policy,
        checkpoint_id,
        count_if(status = 'ok')::BIGINT AS rollouts,
        count_if(status = 'failed')::BIGINT AS failed_rollouts,
        mean_in_order(score, sum_order, status = 'ok') AS score,
        mean_in_order(cost_usd, sum_order, status = 'ok') AS cost_usd,
        mean_in_order(cp_tokens, sum_order, status = 'ok') AS cp_tokens,
        mean_in_order(
            makespan_seconds, sum_order, status = 'ok' AND replayed_calls = 0
        ) AS makespan_seconds
    FROM evaluated_rollouts
    GROUP BY ALL
)

SELECT
    measured.*,
    -- Another one of the comparison is nowhere worse and somewhere better.
    count(better.policy) > 0 AS dominated
FROM measured
LEFT JOIN measured AS better
    ON
        measured.run_id = better.run_id
        AND measured.benchmark = better.benchmark
        AND measured.version = better.version
        AND measured.split = better.split
        AND measured.score <= better.score
        AND measured.cost_usd >= better.cost_usd
        AND measured.cp_tokens >= better.cp_tokens
        AND (
            measured.score < better.score
            OR measured.cost_usd > better.cost_usd
            OR measured.cp_tokens > better.cp_tokens
        )
GROUP BY ALL;
