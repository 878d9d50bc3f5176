-- What is paid for? USD of each operator and model, with what failures cost.
SELECT
    run_id,
    policy,
    purpose,
    operator,
    request_model,
    round(cost_usd, 6) AS cost_usd,
    round(100 * share_of_run, 1) AS percent_of_run,
    round(cost_usd_failed_rollouts, 6) AS cost_usd_failed_rollouts,
    attempts,
    input_tokens,
    output_tokens
FROM spending
ORDER BY run_id ASC, cost_usd DESC;
