-- Which operators hold users up? The share of each on the critical path, largest first.
SELECT
    run_id,
    policy,
    purpose,
    layer,
    operator,
    round(100 * critical_path_share, 1) AS percent_of_critical_path,
    round(100 * critical_share, 1) AS percent_of_times_slowest,
    round(cp_tokens_p50) AS cp_tokens_p50,
    round(cp_tokens_p90) AS cp_tokens_p90,
    round(seconds_p90, 2) AS seconds_p90,
    invocations
FROM operator_bottlenecks
ORDER BY run_id ASC, policy ASC, purpose ASC, critical_path_share DESC;
