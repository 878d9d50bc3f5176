-- How is CP_len spread over the finished evaluation rollouts of each variant, all seeds together?
SELECT
    members.variant,
    count(*) AS rollouts,
    avg(answered.cp_tokens) AS mean,
    quantile_cont(answered.cp_tokens, 0.05) AS p05,
    quantile_cont(answered.cp_tokens, 0.25) AS p25,
    quantile_cont(answered.cp_tokens, 0.5) AS p50,
    quantile_cont(answered.cp_tokens, 0.75) AS p75,
    quantile_cont(answered.cp_tokens, 0.9) AS p90,
    quantile_cont(answered.cp_tokens, 0.95) AS p95,
    quantile_cont(answered.cp_tokens, 0.99) AS p99,
    max(answered.cp_tokens) AS longest
FROM comparison_members AS members
INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id
WHERE members.comparison_run_id = getvariable('run_id') AND answered.status = 'ok'
GROUP BY members.variant
ORDER BY members.variant;
