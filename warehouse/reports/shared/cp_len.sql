-- How is CP_len spread over the finished evaluated rollouts of each entrant, all seeds together?
SELECT
    own.entrant,
    own.checkpoint_id,
    count(*) AS rollouts,
    avg(rollouts.cp_tokens) AS mean,
    quantile_cont(rollouts.cp_tokens, 0.05) AS p05,
    quantile_cont(rollouts.cp_tokens, 0.25) AS p25,
    quantile_cont(rollouts.cp_tokens, 0.5) AS p50,
    quantile_cont(rollouts.cp_tokens, 0.75) AS p75,
    quantile_cont(rollouts.cp_tokens, 0.9) AS p90,
    quantile_cont(rollouts.cp_tokens, 0.95) AS p95,
    quantile_cont(rollouts.cp_tokens, 0.99) AS p99,
    max(rollouts.cp_tokens) AS longest
FROM shown_rollouts AS own
INNER JOIN rollouts ON own.rollout_id = rollouts.rollout_id
WHERE own.report_run_id = getvariable('run_id') AND rollouts.status = 'ok'
GROUP BY own.entrant, own.checkpoint_id
ORDER BY own.entrant, own.checkpoint_id;
