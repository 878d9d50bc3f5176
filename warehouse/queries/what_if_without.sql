-- Which operator could be dropped? What rollouts that used it would cost and take without it.
-- Scores without it are unknown: an answer cannot be unsaid. Compare with score_mean of the others.
SELECT
    run_id,
    policy,
    purpose,
    operator,
    rollouts,
    round(score_mean, 3) AS score_mean,
    round(virtual_seconds_mean, 2) AS virtual_seconds,
    round(virtual_seconds_mean_without, 2) AS virtual_seconds_without,
    round(100 * cp_tokens_saved_share, 1) AS percent_time_saved,
    round(cost_usd_mean, 6) AS cost_usd,
    round(cost_usd_mean_without, 6) AS cost_usd_without,
    round(100 * cost_saved_share, 1) AS percent_cost_saved
FROM operator_counterfactual
ORDER BY run_id ASC, policy ASC, purpose ASC, cp_tokens_saved_share DESC;
