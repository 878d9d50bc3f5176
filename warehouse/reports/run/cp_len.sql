-- How is CP_len spread? One row for each finished evaluation rollout of the run, shortest first.
SELECT
    policy,
    checkpoint_id,
    cp_tokens,
    row_number()
        OVER (
            PARTITION BY policy, checkpoint_id
            ORDER BY cp_tokens, rollout_id
        )
    / count(*) OVER policies AS share_up_to,
    quantile_cont(cp_tokens, 0.25) OVER policies AS p25,
    quantile_cont(cp_tokens, 0.5) OVER policies AS p50,
    quantile_cont(cp_tokens, 0.75) OVER policies AS p75,
    quantile_cont(cp_tokens, 0.9) OVER policies AS p90
FROM evaluated_rollouts
WHERE run_id = getvariable('run_id') AND status = 'ok'
WINDOW policies AS (PARTITION BY policy, checkpoint_id)
ORDER BY policy, checkpoint_id, cp_tokens, rollout_id;
