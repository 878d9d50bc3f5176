-- Which policy is worth deploying? Score, cost and CP_len of each evaluated one; the undominated
-- ones first.
SELECT
    run_id,
    benchmark,
    split,
    policy,
    checkpoint_id,
    rollouts,
    failed_rollouts,
    round(score, 4) AS score,
    round(cost_usd, 6) AS cost_usd,
    round(cp_tokens, 1) AS cp_tokens,
    round(makespan_seconds, 2) AS makespan_seconds,
    dominated
FROM frontier
ORDER BY run_id ASC, benchmark ASC, split ASC, dominated ASC, score DESC;
