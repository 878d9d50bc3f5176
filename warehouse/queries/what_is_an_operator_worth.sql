-- What is each operator worth, and for what? Means over the problems of each outcome table, in all
-- and by category.
SELECT
    run_id,
    coalesce(category, '(all)') AS category,
    operator,
    problems,
    round(100 * score, 1) AS score_percent,
    round(cp_tokens, 1) AS cp_tokens,
    round(seconds, 3) AS seconds,
    round(seconds_p90, 3) AS seconds_p90,
    round(1000 * cost_usd, 4) AS usd_per_1000
FROM operator_values
ORDER BY run_id ASC, scope ASC, category ASC, score DESC, cp_tokens ASC, operator ASC;
