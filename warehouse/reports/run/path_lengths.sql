-- How long is CP_len? One row for each finished evaluation rollout of the run, shortest first.
SELECT
    policy,
    checkpoint_id,
    cp_tokens,
    row_number()
        OVER (
            PARTITION BY policy, checkpoint_id
            ORDER BY cp_tokens, rollout_id
        )
    / count(*) OVER (PARTITION BY policy, checkpoint_id) AS share_up_to
FROM evaluated_rollouts
WHERE run_id = getvariable('run_id') AND status = 'ok'
ORDER BY policy, checkpoint_id, cp_tokens, rollout_id;
