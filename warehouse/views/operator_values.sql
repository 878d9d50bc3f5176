-- Grain: one operator of an outcome table, over all of its problems or those of one category.
-- Means over the samples of problems that are whole.
CREATE OR REPLACE VIEW operator_values AS
WITH
scoped AS (
    SELECT
        'all' AS scope,
        NULL AS category,
        * EXCLUDE (category)
    FROM tabulated_outcomes
    WHERE whole
    UNION ALL BY NAME
    SELECT
        'category' AS scope,
        *
    FROM tabulated_outcomes
    WHERE whole AND category IS NOT NULL
)

SELECT
    run_id,
    benchmark,
    scope,
    category,
    operator,
    count(DISTINCT problem_id) AS problems,
    count(*) AS cells,
    ordered_mean(list(score ORDER BY problem_id, sample)) AS score,
    ordered_mean(list(cp_tokens ORDER BY problem_id, sample)) AS cp_tokens,
    ordered_mean(list(seconds ORDER BY problem_id, sample)) AS seconds,
    ordered_quantile(list(seconds), 0.9) AS seconds_p90,
    ordered_mean(list(cost_usd ORDER BY problem_id, sample)) AS cost_usd
FROM scoped
GROUP BY run_id, benchmark, scope, category, operator;
