-- What did each variant achieve? Means over its (seed, problem) pairs recomputed from its rollouts,
-- intervals as stored.
WITH
cells AS MATERIALIZED (
    SELECT *
    FROM comparison_cells
    WHERE comparison_run_id = getvariable('run_id')
),

means AS (
    SELECT
        variant,
        bool_or(learned) AS learned,
        bool_and(fixed) AS fixed,
        count(DISTINCT training_seed) AS seeds,
        count(DISTINCT problem_id) AS problems,
        count(*) AS pairs,
        bool_and(measured) AS measured,
        ordered_mean(list(score ORDER BY training_seed, problem_id)) AS score,
        ordered_mean(list(cp_tokens ORDER BY training_seed, problem_id)) AS cp_tokens,
        ordered_mean(list(cost_usd ORDER BY training_seed, problem_id)) AS cost_usd,
        ordered_mean(list(makespan_seconds ORDER BY training_seed, problem_id)) AS makespan_seconds
    FROM cells
    GROUP BY variant
),

amounts AS (
    SELECT
        means.*,
        metrics.metric,
        metrics.place,
        CASE metrics.metric
            WHEN 'score' THEN means.score
            WHEN 'cp_tokens' THEN means.cp_tokens
            WHEN 'cost_usd' THEN means.cost_usd
            -- Where a call was replayed, seconds are no measurement.
            WHEN 'makespan_seconds' THEN CASE WHEN means.measured THEN means.makespan_seconds END
        END AS value
    FROM means
    CROSS JOIN (
        VALUES ('score', 1), ('cp_tokens', 2), ('cost_usd', 3), ('makespan_seconds', 4)
    ) AS metrics (metric, place)
)

SELECT
    stored.comparison_run_id,
    amounts.variant,
    '' AS reference,
    amounts.metric,
    amounts.value,
    stored.low,
    stored.high,
    stored.standard_error,
    stored.degrees,
    stored.p_value,
    amounts.seeds,
    amounts.problems,
    amounts.pairs,
    stored.method,
    stored.margin,
    stored.verdict,
    stored.margin_p_value,
    amounts.learned,
    amounts.fixed
FROM amounts
INNER JOIN comparison_estimates AS stored
    ON
        stored.comparison_run_id = getvariable('run_id')
        AND stored.reference = ''
        AND amounts.variant = stored.variant
        AND amounts.metric = stored.metric
WHERE amounts.value IS NOT NULL
ORDER BY amounts.variant, amounts.place;
